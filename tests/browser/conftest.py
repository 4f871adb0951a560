"""A Chromium on the live server: pages in three looks, axe, and a folder for screenshots.

`BROWSER_ARTIFACTS` names the folder; without it screenshots go to pytest's temporary folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS: Final = 10_000
SERIOUS: Final = frozenset({"serious", "critical"})


@dataclass(frozen=True, slots=True)
class Look:
    """A way to look at a page."""

    name: str
    scheme: str
    width: int
    height: int


LOOKS: Final = (
    Look("light", "light", 1280, 900),
    Look("dark", "dark", 1280, 900),
    Look("phone", "light", 390, 844),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs Chromium, and tables that the server's thread sees."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module; with it ends the event loop that Playwright keeps in this thread.

    Django would refuse the database because of that loop, and asyncio.run() would refuse to start another.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_context(chromium: Browser, live_server: Any) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts whose base is the live server; closed after the test."""
    contexts: list[BrowserContext] = []

    def make(look: Look = LOOKS[0], **options: Any) -> BrowserContext:
        context = chromium.new_context(
            base_url=live_server.url,
            color_scheme=look.scheme,  # type: ignore[arg-type]  # one of Playwright's words
            viewport={"width": look.width, "height": look.height},
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page that fails the test on script errors and on what the CSP refused."""
    return watched(open_context().new_page())


def watched(page: Page) -> Page:
    """Make script errors and CSP refusals raise in the test that caused them."""
    page.on("pageerror", _fail)
    page.on("console", lambda message: _refuse(message.text) if message.type == "error" else None)
    return page


def visit(page: Page, path: str) -> None:
    """Open a page and insist that it answers 200."""
    response = page.goto(path)
    assert response is not None
    assert response.status == HTTPStatus.OK, f"{path} answered {response.status}"


def _fail(error: Exception) -> None:
    raise AssertionError(f"script error: {error}")


def _refuse(text: str) -> None:
    if "Content Security Policy" in text:
        raise AssertionError(text)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for screenshots."""
    named = os.environ.get("BROWSER_ARTIFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def find_violations() -> Callable[[Page], list[str]]:
    """Run axe on a page and return what is serious, one line each."""

    def run(page: Page) -> list[str]:
        violations = Axe().run(page).response["violations"]
        return [
            f"{found['id']} ({found['impact']}): {found['help']}: "
            + " | ".join(node["html"][:160] for node in found["nodes"][:4])
            for found in violations
            if found["impact"] in SERIOUS
        ]

    return run
