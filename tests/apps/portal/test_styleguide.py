"""The styleguide and what the interface is made of: nothing inline, nothing missing, nothing stale."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import engines
from django.test import Client

from apps.portal.stylesheets import BUNDLES, CSS_ROOT, join_stylesheets, stale_bundles

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
INLINE_STYLE = re.compile(r"<style[ >]|\sstyle=", re.IGNORECASE)
INLINE_SCRIPT = re.compile(r"\son[a-z]+=[\"']|href=[\"']javascript:", re.IGNORECASE)
SCRIPT_TAG = re.compile(r"<script(?![^>]*(?:\bsrc=|type=\"application/json\"))", re.IGNORECASE)
ICON_CALL = re.compile(r"{% icon \"([a-z-]+)\"")
# Data for search engines, which no browser runs: written by `apps.portal.seo.as_json_ld` alone, which escapes it.
SEARCH_DATA = '<script type="application/ld+json">{{ seo.data }}</script>'
CUSTOM_PROPERTY = re.compile(r"var\((--[a-z0-9-]+)")
MAX_FIRST_LOAD_BYTES = 100_000
# E-mails have no stylesheet of ours to load.
# Shown by other pages: endpoints, error pages, invoices, rendered Markdown, the public frame.
UNSHOWN = frozenset({"endpoint", "error-page", "footer", "invoice", "prose"})
PAGES = [path for path in TEMPLATES if "emails" not in path.parts and "email" not in path.parts]


def test_joined_stylesheets_match_their_sources() -> None:
    assert stale_bundles() == []


def test_a_changed_source_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.portal.stylesheets.CSS_ROOT", tmp_path)
    (tmp_path / "tokens.css").write_text("@layer tokens { :root { --text: black; } }")
    assert sorted(stale_bundles()) == sorted(BUNDLES)


def test_joining_drops_comments_and_keeps_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.portal.stylesheets.CSS_ROOT", tmp_path)
    (tmp_path / "b.css").write_text("b { color: red }")
    (tmp_path / "a.css").write_text("/* why */\n\n\na { color: red }\n")
    joined = join_stylesheets(("*.css",))
    assert joined.splitlines()[1:] == ["a { color: red }", "b { color: red }"]


def test_every_custom_property_is_defined() -> None:
    text = join_stylesheets(BUNDLES["app.css"])
    used = set(CUSTOM_PROPERTY.findall(text))
    defined = set(re.findall(r"(--[a-z0-9-]+)\s*:", text))
    assert used - defined == set()


def test_colours_live_in_the_tokens_alone() -> None:
    component_files = sorted((CSS_ROOT / "components").glob("*.css"))
    literal = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(", re.IGNORECASE)
    assert [path.name for path in component_files if literal.search(path.read_text())] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_template_compiles_and_has_nothing_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    engines["django"].from_string(text)
    assert not INLINE_STYLE.search(text)
    assert not INLINE_SCRIPT.search(text)
    assert not SCRIPT_TAG.search(text.replace(SEARCH_DATA, ""))


def test_every_icon_that_a_template_names_is_drawn() -> None:
    sprite = (settings.BASE_DIR / "static/img/icons.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="([a-z-]+)"', sprite))
    named = {name for path in TEMPLATES for name in ICON_CALL.findall(path.read_text())}
    assert named - drawn == set()


@pytest.mark.django_db
def test_styleguide_shows_every_component(client: Client) -> None:
    response = client.get("/styleguide/")
    text = response.content.decode()
    assert response.status_code == 200
    for path in sorted((CSS_ROOT / "components").glob("*.css")):
        is_shown = re.search(rf'class="(?:[^"]* )?{path.stem}[ "_-]', text)
        assert is_shown or path.stem in UNSHOWN, path.stem


@pytest.mark.django_db
def test_first_load_is_light(client: Client) -> None:
    html = client.get("/styleguide/").content
    text = html.decode()
    assets = re.findall(r'(?:href|src)="/static/([^"#]+)', text)
    assert [name for name in set(assets) if name.endswith(".css")] == ["css/app.css"]
    total = len(gzip.compress(html))
    modules = {f"js/{path.name}" for path in (settings.BASE_DIR / "static/js").glob("*.js")}
    for name in {*assets, *modules}:
        found = finders.find(name)
        assert found is not None, name
        total += len(gzip.compress(Path(found).read_bytes()))
    assert total <= MAX_FIRST_LOAD_BYTES
