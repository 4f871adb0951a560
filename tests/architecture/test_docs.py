"""The documentation against the tree and the code: links, cited pages, settings, tables, commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps

from apps.core.models import AuditEvent
from deploy.local.cli import COMMANDS
from deploy.local.state import PROJECT

DOCS = PROJECT / "docs"
LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")
CITED = re.compile(r"docs/[\w/.-]+\.(?:md|svg|mmd|yaml)")
SETTING = re.compile(
    r"(?:env_\w+|read_text|read_number|read_numbered_secrets)\(\s*\"([A-Z][A-Z0-9_]+)\""
)
NAME = re.compile(r"`([A-Z][A-Z0-9_]{3,})`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the repository, committed or not, that match."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PROJECT / line for line in listed.stdout.splitlines() if (PROJECT / line).is_file()]


PAGES = tracked("*.md")


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a page's headings make, as GitHub writes them."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\s-]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


def test_there_are_pages() -> None:
    assert len(PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".md":
            assert anchor in anchors_of(target), f"{link}: no such heading"


def test_pages_that_the_code_cites_exist() -> None:
    sources = tracked("*.py", "*.html", "*.css", "*.js", "*.yml", "*.toml", "Makefile", "*file")
    cited = {
        (match, source.relative_to(PROJECT))
        for source in sources
        if source.is_relative_to(PROJECT) and source != Path(__file__)
        for match in CITED.findall(source.read_text(encoding="utf-8", errors="replace"))
    }
    assert len(cited) > 10
    assert {pair for pair in cited if not (PROJECT / pair[0]).exists()} == set()


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link).resolve() for link in links if link and ":" not in link]
    pages = {page for page in PAGES if page.is_relative_to(DOCS)}
    assert {str(page.relative_to(DOCS)) for page in pages - reached} == set()


def test_decisions_are_numbered_without_holes_and_have_three_parts() -> None:
    pages = sorted(path for path in (DOCS / "adr").glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(numbers) + 1))
    for page in pages:
        titles = HEADING.findall(page.read_text(encoding="utf-8"))
        assert titles[0].startswith(f"{page.name[:4]}. "), page.name
        assert titles[1:] == ["Situation", "Decision", "Consequences"], page.name


def test_the_page_of_settings_names_what_the_code_reads() -> None:
    sources = tracked("marketplace/settings/*.py", "apps/*.py")
    read = {
        name
        for source in sources
        if source.name != "test.py"
        for name in SETTING.findall(source.read_text(encoding="utf-8"))
    }
    page = (DOCS / "operations" / "configuration.md").read_text(encoding="utf-8")
    named = set(NAME.findall(page.partition("## For `make run` only")[0]))
    not_settings = {"NAME", "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "INFO"}
    assert len(read) > 40
    assert read - named == set(), "not in docs/operations/configuration.md"
    assert named - read - not_settings == set(), "read by nobody"


def test_the_page_of_tables_names_every_model_with_its_prefix() -> None:
    page = (DOCS / "architecture" / "data-model.md").read_text(encoding="utf-8")
    ours = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    assert AuditEvent in ours
    for model in ours:
        prefix = getattr(model, "id_prefix", "")
        wanted = f"{model.__name__} `{prefix}`" if prefix else model.__name__
        assert wanted in page, f"{wanted} is missing in docs/architecture/data-model.md"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_commands_exist(name: str) -> None:
    page = (PROJECT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)\b(?=`|\n)", page))
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert {"run", "test"} <= COMMANDS.keys()


def test_the_readme_opens_with_three_sentences_a_picture_and_two_commands() -> None:
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    opening = page.partition("\n![")[0].split("\n", 2)[2]
    assert len(re.findall(r"\.(?=\s|$)", opening)) == 3
    assert re.search(r"!\[[^\]]+\]\(docs/images/[\w-]+\.png\)", page)
    assert re.findall(r"```sh\n(.*?)\n```", page, re.DOTALL) == ["make run", "make test"]


def test_glossary_is_in_order() -> None:
    page = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| \*\*(.+?)\*\*", page, re.MULTILINE)
    assert len(terms) > 40
    assert terms == sorted(terms, key=str.lower)
