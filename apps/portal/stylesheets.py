"""Joins the stylesheets: one file per component to write, one file per page to load.

The layer order is declared once, in `tokens.css`, so the order of files inside a layer is alphabetical
and means nothing. The joined files are committed; a test finds drift.

    python -m apps.portal.stylesheets            join them
    python -m apps.portal.stylesheets --check    change nothing, fail on drift
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CSS_ROOT: Final = Path(__file__).resolve().parents[2] / "static" / "css"

BUNDLES: Final[Mapping[str, tuple[str, ...]]] = {
    "app.css": (
        "tokens.css",
        "reset.css",
        "layout.css",
        "components/*.css",
        "pages/*.css",
        "utilities.css",
    ),
    # Django admin's own stylesheet has no layers and so beats ours: its skin comes without them, last.
    "admin.css": (
        "tokens.css",
        "components/badge.css",
        "components/brand.css",
        "components/code.css",
        "components/disclosure.css",
        "components/empty.css",
        "components/endpoint.css",
        "components/facts.css",
        "components/filters.css",
        "components/icon.css",
        "components/menu.css",
        "components/plot.css",
        "components/prose.css",
        "components/quota.css",
        "components/stat.css",
        "components/table.css",
        "components/tabs.css",
        "components/timeline.css",
        "utilities.css",
        "admin/*.css",
    ),
}

HEADER: Final = (
    "/* Made by `python -m apps.portal.stylesheets`; edit the files in static/css/ instead. */\n"
)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK_LINES: Final = re.compile(r"\n\s*\n+")


def join_stylesheets(patterns: tuple[str, ...]) -> str:
    """Return the named files one after the other, without comments and blank lines."""
    sources = [path for pattern in patterns for path in sorted(CSS_ROOT.glob(pattern))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return HEADER + _BLANK_LINES.sub("\n", _COMMENT.sub("", text)).strip() + "\n"


def stale_bundles() -> list[str]:
    """Return the names of joined files that differ from what their sources give."""
    return [
        name
        for name, patterns in BUNDLES.items()
        if not (CSS_ROOT / name).exists()
        or (CSS_ROOT / name).read_text(encoding="utf-8") != join_stylesheets(patterns)
    ]


def write_bundles() -> list[str]:
    """Write the joined files that changed and return their names."""
    changed = stale_bundles()
    for name in changed:
        (CSS_ROOT / name).write_text(join_stylesheets(BUNDLES[name]), encoding="utf-8")
    return changed


def main(arguments: list[str]) -> int:
    """Join, or check; return the exit status."""
    if "--check" in arguments:
        stale = stale_bundles()
        if stale:
            sys.stderr.write(f"Differ from their sources: {', '.join(stale)}\n")
        return 1 if stale else 0
    sys.stdout.write(f"Written: {', '.join(write_bundles()) or 'nothing, all up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
