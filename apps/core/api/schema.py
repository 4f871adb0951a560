"""How views are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema as BaseAutoSchema

# Names of serializers that more than one app gives.
SHARED_NAMES: Final = frozenset({"ReasonInput"})


class AutoSchema(BaseAutoSchema):
    """Tags by the first path segment after the version, lists in the envelope of our pagination."""

    def get_tags(self) -> list[str]:
        """Return the group, for example `keys`."""
        segments = [part for part in self.path.split("/") if part]
        tail = segments[2:] if segments[:2] == ["api", "v1"] else segments
        return [tail[0] if tail else "root"]

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:  # noqa: ARG002 -- the base class's
        """Return the component's name; where apps use the same one, the app's name goes before it."""
        name = type(serializer).__name__
        app = type(serializer).__module__.split(".")[1]
        return f"{app.capitalize()}{name}" if name in SHARED_NAMES else name

    def _get_paginator(self) -> Any:
        paginator = getattr(self.view, "paginator_class", None)
        return paginator() if paginator else super()._get_paginator()  # type: ignore[no-untyped-call]  # the package's
