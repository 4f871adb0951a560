"""Outbox handlers of this app; importing the module registers them."""

from apps.accounts.services import invitations, test_clock

__all__ = ("invitations", "test_clock")
