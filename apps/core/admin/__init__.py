"""Bases of the back office's pages, and the pages of this app's own tables."""

from apps.core.admin import letters, tables
from apps.core.admin.bases import BackOfficeAdmin, ReadOnlyAdmin, ReasonForm, staff_actor

__all__ = ("BackOfficeAdmin", "ReadOnlyAdmin", "ReasonForm", "letters", "staff_actor", "tables")
