"""Outbox handlers of this app; importing the module registers them."""

from apps.accounts.services import invitations

__all__ = ("invitations",)
