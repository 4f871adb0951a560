"""The back office's pages of accounts."""

from apps.accounts.admin import clocks, tables

__all__ = ("clocks", "tables")
