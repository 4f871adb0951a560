"""What a price may charge for beside calls: asked of the apps above through a registry.

Source: docs/architecture/apps-and-layers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

# Key and name of each meter that an API counts by.
MeterSource = Callable[[UUID], Mapping[str, str]]

_sources: list[MeterSource] = []


def register_meter_source(source: MeterSource) -> None:
    """Add a source of meters; called once, when the app is ready."""
    _sources.append(source)


def meters_of_api(api_id: UUID) -> dict[str, str]:
    """Return key and name of the meters of an API that count now, beside calls."""
    return {key: name for source in _sources for key, name in source(api_id).items()}
