"""What the pages of this app share."""

from __future__ import annotations

from typing import ClassVar

from apps.core.admin import ReadOnlyAdmin


class UsageAdmin(ReadOnlyAdmin):
    """Read by everybody in the back office; operators run the actions."""

    change_roles: ClassVar[tuple[str, ...]] = ("operator",)
