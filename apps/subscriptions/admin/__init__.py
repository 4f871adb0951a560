"""The back office's pages of this app; importing them registers them."""

from apps.subscriptions.admin import plan_changes, plan_moves, tables, top_ups

__all__ = ("plan_changes", "plan_moves", "tables", "top_ups")
