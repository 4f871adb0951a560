"""The back office's pages of accounts."""

from apps.accounts.admin import tables

__all__ = ("tables",)
