"""Three people in a browser: publish, approve, subscribe, call, and open the paid invoice."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

from apps.apis.snippets import Snippet
from apps.core import clock
from deploy.local.demo.person import LINK, wait_for
from tests.apps.apis.test_snippets_run import command_for
from tests.browser.conftest import ARGUMENTS, CHROMIUM, SERIOUS
from tests.running_stack import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("stack"),
]

PATIENCE_MS = 20_000
PASSWORD = "a long phrase for a browser"
CALLS = 20


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visitor:
    """A person with a browser of their own; each page they come to is checked for accessibility."""

    def __init__(self, browser: Browser, running: Running, address: str) -> None:
        self.running = running
        self.address = address
        context = browser.new_context(
            base_url=running.stack.environment["PUBLIC_URL"], accept_downloads=True
        )
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.on("response", self._note_failure)
        self.page.on("console", self._note_refusal)
        self.faults: list[str] = []
        self.checked: set[str] = set()

    def _note_failure(self, response: Any) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} {response.url}")

    def _note_refusal(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def arrive(self) -> None:
        """Insist that this page has no serious accessibility violation and that nothing failed."""
        self.page.wait_for_load_state()
        assert self.faults == []
        place = re.sub(r"[a-z]{3}_[0-9a-z]{26}", "<id>", self.page.url)
        if place in self.checked:
            return
        self.checked.add(place)
        found = Axe().run(self.page).response["violations"]
        serious = [
            f"{place} {item['id']}: {item['nodes'][0]['html'][:200]}"
            for item in found
            if item["impact"] in SERIOUS
        ]
        assert serious == []

    def visit(self, path: str) -> None:
        response = self.page.goto(path)
        assert response is not None
        assert response.status == 200, f"{path} answered {response.status}"
        self.arrive()

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press a button or follow a link of the main part, by its words."""
        main = self.page.locator("main")
        self.page.wait_for_load_state()
        button = main.get_by_role("button", name=name).or_(main.get_by_role("link", name=name))
        button.first.click()
        self.arrive()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"main [name='{name.replace('__', '-')}']").fill(value)

    def sign_up(self, organization: str) -> None:
        self.visit("/accounts/signup/")
        self.fill(
            name="A Person",
            organization_name=organization,
            email=self.address,
            password1=PASSWORD,
            password2=PASSWORD,
        )
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_load_state()
        link = wait_for(f"mail to {self.address}", self._mailed_link)
        self.visit(link)
        self.page.locator("main form button[type=submit]").first.click()
        self.sign_in()

    def _mailed_link(self) -> str | None:
        folder = Path(self.running.stack.environment["EMAIL_FILE_PATH"])
        for path in folder.glob("*"):
            for part in path.read_text(encoding="utf-8").split("-" * 79):
                if self.address in part:
                    found = LINK.search(part)
                    if found:
                        return found.group(0)
        return None

    def sign_in(self) -> None:
        self.visit("/accounts/login/")
        self.fill(login=self.address, password=PASSWORD)
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_url(lambda url: "/accounts/" not in url)
        self.arrive()

    def wait_until(self, what: str, shown: Callable[[], bool]) -> None:
        """Reload until the page shows it."""

        def look() -> bool | None:
            if shown():
                return True
            time.sleep(0.5)
            self.page.reload()
            return None

        wait_for(what, look)
        self.arrive()


def make_approver(running: Running, address: str) -> None:
    subprocess.run(
        [
            *("python", "manage.py", "create_staff_user", address),
            *("--role", "approver", "--role", "operator"),
        ],
        env={**running.stack.environment, "STAFF_PASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )


def publish(provider: Visitor, upstream: str, mark: str) -> str:
    """Import the upstream's document, offer a plan, and submit; return the editor's address."""
    page = provider.page
    provider.visit("/console/provider/apis/new/")
    provider.fill(
        name=f"Cities {mark}",
        short_description="Cities of the world.",
        upstream_url=upstream,
        url=f"{upstream}/openapi.json",
    )
    page.locator("main select[name=category]").select_option(label="Data")
    provider.press("Make the draft")
    editor = page.url
    provider.visit(f"{editor}upstream/")
    provider.fill(health_path="/healthz")
    page.locator("main form button[type=submit]").last.click()
    provider.arrive()
    provider.visit("/console/provider/plans/new/")
    page.locator("main select[name=api]").select_option(index=1)
    page.locator("main button[name=add_component][value=flat]").click()
    page.locator("main [name='c1-flat_fee']").fill("5")
    provider.fill(name="Starter", quota_calls="1000")
    page.locator("main [name='c0-free_units']").fill("10")
    page.locator("main [name='c0-t0-unit_price']").fill("0.25")
    page.locator("main form button[type=submit]").last.click()
    provider.arrive()
    provider.press(re.compile("Publish"))
    provider.visit(editor)
    provider.press(re.compile("Submit"))
    return editor


def approve(approver: Visitor, mark: str) -> None:
    approver.visit("/backoffice/")
    approver.visit("/backoffice/approvals/approvalrequest/")
    approver.page.get_by_role("link", name=re.compile(f"Cities {mark}")).first.click()
    approver.arrive()
    page = approver.page
    page.get_by_label("Comment for the requester").fill("The upstream answers.")
    page.get_by_role("button", name="Approve", exact=True).click()
    approver.arrive()


def run_snippet(command: str, folder: Path) -> str:
    """Run a copied command verbatim; curl's own settings file makes it show the status line."""
    (folder / ".curlrc").write_text("include\nsilent\n")
    done = subprocess.run(
        ["bash", "-c", command],
        env={"PATH": "/usr/bin:/bin", "CURL_HOME": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def shown_snippets(page: Page) -> list[Snippet]:
    """Read the examples off the page, one for each language; all but one are hidden."""
    labels = page.locator("main .snippets__tab").all_inner_texts()
    codes = page.locator("main .snippets__panel pre").all_inner_texts()
    return [Snippet(label.lower(), label, code) for label, code in zip(labels, codes, strict=True)]


def run_program(command: list[str], folder: Path) -> Any:
    """Run a copied program verbatim and return the JSON that it prints behind its 200."""
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, _, body = done.stdout.partition(" ")
    assert status == "200", done.stdout
    return json.loads(body)


def test_three_people_walk_from_document_to_paid_invoice(  # noqa: PLR0915 -- one story
    running: Running, browser: Browser, tmp_path: Path
) -> None:
    mark = secrets.token_hex(3)
    environment = running.stack.environment
    upstream = f"http://{environment['UPSTREAM_BIND']}"
    provider = Visitor(browser, running, f"p-{mark}@example.com")
    consumer = Visitor(browser, running, f"c-{mark}@example.com")
    approver = Visitor(browser, running, f"a-{mark}@example.com")
    make_approver(running, approver.address)

    provider.sign_up(f"Provider {mark}")
    editor = publish(provider, upstream, mark)
    approver.sign_in()
    approve(approver, mark)
    provider.visit(editor)
    provider.wait_until(
        "activation", lambda: provider.page.locator("main").get_by_text("Active").count() > 0
    )

    consumer.sign_up("")
    page = consumer.page
    consumer.visit("/console/organization/new/")
    consumer.fill(name=f"Sandbox {mark}")
    page.locator("main [name=is_sandbox]").check()
    consumer.press("Make organization")
    consumer.visit(f"/apis/?q=Cities+{mark}")
    page.locator("main").get_by_role("link", name=re.compile(f"Cities {mark}")).first.click()
    consumer.arrive()
    consumer.press(re.compile("^Subscribe"))
    consumer.press(re.compile("^Subscribe"))
    subscription_url = page.url
    consumer.press(re.compile("key", re.IGNORECASE))
    consumer.fill(name="Browser")
    page.locator("main form button[type=submit]").last.click()
    consumer.arrive()
    snippets = shown_snippets(page)
    assert [snippet.language for snippet in snippets] == ["curl", "python", "javascript", "go"]
    assert all("tgk_test_" in snippet.code for snippet in snippets)
    time.sleep(1)  # the key is proven at the gateway within a second
    answer = run_snippet(snippets[0].code, tmp_path)
    assert " 200" in answer.splitlines()[0], answer
    body = json.loads(re.split(r"\r?\n\r?\n", answer, maxsplit=1)[1])
    others = [command for each in snippets[1:] if (command := command_for(each, tmp_path))]
    for command in others:
        assert run_program(command, tmp_path) == body
    for _number in range(CALLS - 1 - len(others)):
        answer = run_snippet(snippets[0].code, tmp_path)
        assert " 200" in answer.splitlines()[0], answer

    consumer.visit(subscription_url)
    consumer.wait_until(
        "metering",
        lambda: page.locator("main").get_by_text(re.compile(rf"\b{CALLS}\b")).count() > 0,
    )
    consumer.visit("/console/usage/")
    consumer.visit("/console/billing/")
    page.locator("main").get_by_role("button", name=re.compile("card", re.IGNORECASE)).click()
    page.wait_for_url(re.compile("/pay/checkout/"))
    page.locator("[name=number]").fill("4242424242424242")
    page.get_by_role("button").first.click()
    page.wait_for_url(re.compile("/console/billing/"))
    consumer.arrive()

    consumer.visit("/console/organization/")
    later = clock.now() + timedelta(days=32)
    page.locator("main [name=to]").fill(later.strftime("%Y-%m-%dT%H:%M"))
    page.locator("main form[action*=clock] button[type=submit]").click()
    consumer.arrive()
    consumer.visit("/console/billing/")
    consumer.wait_until(
        "a paid invoice",
        lambda: page.locator("main table").get_by_text("Paid", exact=True).count() > 0,
    )
    page.locator("main a[href*='/console/billing/invoices/']").first.click()
    consumer.arrive()
    # 5.00 base fee, and 10 of 20 calls at 0.25.
    assert page.locator("main").get_by_text("$7.50").count() > 0
    with page.expect_download() as download:
        page.locator("main a[href$='/pdf']").first.click()
    text = PdfReader(download.value.path()).pages[0].extract_text()
    assert "TEST-" in text
    assert "7.50" in text

    provider.visit("/console/provider/earnings/")
    assert provider.page.locator("main").get_by_text("$6.00").count() > 0
