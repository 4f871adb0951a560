"""The back office's pages of this app; importing them registers them."""

from apps.subscriptions.admin import tables, top_ups

__all__ = ("tables", "top_ups")
