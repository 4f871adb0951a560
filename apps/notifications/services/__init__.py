"""Writes of this app."""

from apps.notifications.services.messages import (
    Message,
    mark_all_read,
    mark_read,
    notify,
    notify_members,
    notify_staff,
)

__all__ = (
    "Message",
    "mark_all_read",
    "mark_read",
    "notify",
    "notify_members",
    "notify_staff",
)
