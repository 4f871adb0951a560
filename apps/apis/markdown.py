"""Markdown of strangers as HTML that is safe to show."""

from __future__ import annotations

from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown import Markdown

# Headings of a text start below those of the page that shows it.
_EXTENSIONS: Final = ["fenced_code", "tables", "sane_lists", "toc"]
_SETTINGS: Final = {"toc": {"baselevel": 3, "toc_depth": "3-6"}}
_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "dl",
        "dt",
        "em",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}


def render_markdown(text: str) -> SafeString:
    """Return a text's HTML: no images, scripts, styles or forms; links lead outside without credit.

    Everything that is not on the list above is dropped by an HTML parser after the text was rendered, so raw HTML in
    it is treated like any other.
    """
    html = Markdown(extensions=_EXTENSIONS, extension_configs=_SETTINGS).convert(text)
    cleaned = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(cleaned)  # noqa: S308 -- that is what nh3 is for
