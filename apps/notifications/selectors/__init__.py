"""Reads of this app."""

from apps.notifications.selectors.inbox import (
    count_unread,
    get_notification,
    list_members_who_can,
    list_staff_with_role,
    own_inbox,
)

__all__ = (
    "count_unread",
    "get_notification",
    "list_members_who_can",
    "list_staff_with_role",
    "own_inbox",
)
