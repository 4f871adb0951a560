"""Outbox handlers of this app; importing the module registers them."""

from apps.core import events, mail

__all__ = ("events", "mail")
