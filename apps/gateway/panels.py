"""Parts of the gateway's back-office page that apps above this one give: each a template and what it shows.

register_panel("usage/_backoffice_shippers.html", shipper_panel)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

PanelSource = Callable[[], dict[str, Any]]
_panels: dict[str, PanelSource] = {}


def register_panel(template: str, source: PanelSource) -> None:
    """Show a template on the page, with what the source returns; called once, from `AppConfig.ready()`."""
    _panels[template] = source


def render_panels(request: HttpRequest) -> list[SafeString]:
    """Return every panel as HTML, in the order of registration."""
    return [render_to_string(name, source(), request) for name, source in _panels.items()]
