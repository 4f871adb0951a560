"""How views are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema as BaseAutoSchema


class AutoSchema(BaseAutoSchema):
    """Tags by the first path segment after the version."""

    def get_tags(self) -> list[str]:
        """Return the group, for example `keys`."""
        segments = [part for part in self.path.split("/") if part]
        tail = segments[2:] if segments[:2] == ["api", "v1"] else segments
        return [tail[0] if tail else "root"]

    def get_description(self) -> Any:
        """Use the docstring of the method or of the view."""
        return super().get_description()
