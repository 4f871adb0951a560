"""The styleguide in a browser: seen in three looks, scanned by axe, walked by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import LOOKS, Look, visit, watched

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_styleguide_has_no_serious_violation(
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    page = watched(open_context(look).new_page())
    visit(page, "/styleguide/")
    page.screenshot(path=artifacts / f"styleguide-{look.name}.png", full_page=True)
    assert find_violations(page) == []


def test_a_removed_label_is_found(page: Page, find_violations: Callable[[Page], list[str]]) -> None:
    visit(page, "/styleguide/")
    page.evaluate("document.querySelectorAll('label[for=id_good-name]').forEach(e => e.remove())")
    assert "label" in [line.split(" ")[0] for line in find_violations(page)]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_page_is_never_wider_than_the_screen(
    look: Look, open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context(look).new_page()
    visit(page, "/styleguide/")
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width


def test_skip_link_is_first_and_leads_to_the_content(page: Page) -> None:
    visit(page, "/accounts/login/")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_dialog_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    visit(page, "/styleguide/")
    opener = page.locator('[data-dialog="revoke"]')
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#dialog-revoke")
    expect(dialog).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        inside = (
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_menu_opens_walks_and_closes_by_keyboard(page: Page) -> None:
    visit(page, "/styleguide/")
    summary = page.locator("#buttons details[data-menu] > summary").first
    summary.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#buttons .menu__item").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#buttons .menu__item--danger")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#buttons details[data-menu]").first).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()


def test_plot_is_one_tab_stop_and_reads_its_values(page: Page) -> None:
    visit(page, "/styleguide/")
    plot = page.locator("#plots .plot").first
    last = plot.locator('.plot__slot[tabindex="0"]')
    expect(last).to_have_count(1)
    last.focus()
    page.keyboard.press("Home")
    expect(plot.locator(".plot__slot").first).to_be_focused()
    expect(plot.locator(".plot__readout").first).to_be_visible()


def test_copy_button_copies_and_says_so(open_context: Callable[..., BrowserContext]) -> None:
    context = open_context(permissions=["clipboard-read", "clipboard-write"])
    page = watched(context.new_page())
    visit(page, "/styleguide/")
    page.locator("#code .reveal .code--line [data-copy]").click()
    expect(page.locator("#toasts")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("tgk_live_")


def test_theme_survives_reload_by_cookie(page: Page) -> None:
    visit(page, "/styleguide/")
    page.locator('details:has(button[name="theme"]) > summary').click()
    with page.expect_response(lambda response: "/preferences/theme/" in response.url):
        page.locator('button[name="theme"][value="dark"]').click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_language_survives_reload_by_cookie(page: Page) -> None:
    visit(page, "/styleguide/")
    page.locator('details:has(button[name="language"]) > summary').click()
    page.locator('button[name="language"][value="fr"]').click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")  # the form's answer is there
    page.reload()
    assert page.locator("html").get_attribute("lang") == "fr"


def test_everything_is_there_without_scripts(open_context: Callable[..., BrowserContext]) -> None:
    page = open_context(java_script_enabled=False).new_page()
    visit(page, "/styleguide/")
    expect(page.locator("[data-copy]").first).to_be_hidden()
    page.locator("#buttons details[data-menu] > summary").first.click()
    expect(page.locator("#buttons .menu__item").first).to_be_visible()
