"""A person of the demo: signs up on the portal's pages, confirms the mailed link, then uses the REST API."""

from __future__ import annotations

import email
import email.policy
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

T = TypeVar("T")
TIMEOUT_S: Final = 30.0
MAIL_WAIT_S: Final = 30.0
TOKEN_LIFE_S: Final = 200.0  # access tokens live 300 s
FIELD: Final = re.compile(r'<input[^>]*name="csrfmiddlewaretoken"[^>]*value="([^"]+)"')
LINK: Final = re.compile(r"https?://\S+/accounts/confirm-email/\S+")


class StoryError(RuntimeError):
    """A step of the demo did not go as the product promises."""


def wait_for(what: str, look: Callable[[], T | None], *, timeout_s: float = 60.0) -> T:
    """Look again and again until there is something to return.

    Raises:
        StoryError: nothing came in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise StoryError(f"{what} did not happen within {timeout_s:.0f} s")


class Person:
    """Somebody with a browser and, once signed in, a JSON Web Token."""

    def __init__(self, base_url: str, *, address: str, password: str) -> None:
        """Open a browser on the portal."""
        self.address = address
        self.password = password
        self.organization_id: str | None = None
        self.browser = httpx.Client(base_url=base_url, timeout=TIMEOUT_S, follow_redirects=True)
        self._token = ""
        self._refresh_at = 0.0
        # One login at a time: several at once are taken for somebody who guesses passwords.
        self._login = threading.Lock()

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()

    def sign_up(self, *, name: str, organization: str, mail_folder: Path) -> None:
        """Fill in the sign-up page, and follow the link in the mail."""
        self.submit_form(
            "/accounts/signup/",
            {
                "email": self.address,
                "password1": self.password,
                "password2": self.password,
                "name": name,
                "organization_name": organization,
            },
        )
        link = wait_for(
            f"the mail to {self.address}",
            lambda: self._confirmation(mail_folder),
            timeout_s=MAIL_WAIT_S,
        )
        self.submit_form(urlsplit(link).path, {})

    def submit_form(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """Open a page and send its form, as a browser without JavaScript does."""
        page = self.browser.get(path)
        token = FIELD.search(page.text)
        if page.status_code != httpx.codes.OK or token is None:
            raise StoryError(f"{path} shows no form (status {page.status_code})")
        answer = self.browser.post(
            str(page.url),
            data={"csrfmiddlewaretoken": token.group(1), **fields},
            headers={"Referer": str(page.url)},
        )
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StoryError(f"{path} answered {answer.status_code}")
        if 'aria-invalid="true"' in answer.text:
            raise StoryError(f"{path} refused the form")
        return answer

    def _confirmation(self, folder: Path) -> str | None:
        """Find the newest mail to this person that has a confirmation link."""
        files = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files:
            for raw in path.read_text(encoding="utf-8").split("-" * 79):
                message = email.message_from_string(raw.lstrip(), policy=email.policy.default)
                if self.address not in str(message["To"]):
                    continue
                body = message.get_body(("plain",))
                found = LINK.search(body.get_content() if body else "")
                if found:
                    return found.group(0)
        return None

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Call the REST API and return its JSON.

        Raises:
            StoryError: the answer is a problem; its detail is in the message.
        """
        headers = {"Authorization": f"Bearer {self._access_token()}", **options.pop("headers", {})}
        if self.organization_id:
            headers["X-Organization-Id"] = self.organization_id
        url = urljoin("/api/v1/", path)
        answer = self.browser.request(method, url, json=body, headers=headers, **options)
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StoryError(f"{method} {url} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def pages(self, path: str) -> list[Any]:
        """Return the rows of every page of a list."""
        rows: list[Any] = []
        following: str | None = path
        while following:
            page = self.call("GET", following)
            rows += page["data"]
            link = page["next"]
            following = f"{urlsplit(link).path}?{urlsplit(link).query}" if link else None
        return rows

    def _access_token(self) -> str:
        with self._login:
            if time.monotonic() >= self._refresh_at:
                self._token = self._log_in()
                self._refresh_at = time.monotonic() + TOKEN_LIFE_S
            return self._token

    def _log_in(self) -> str:
        answer = httpx.post(
            urljoin(str(self.browser.base_url), "/_allauth/app/v1/auth/login"),
            json={"email": self.address, "password": self.password},
            timeout=TIMEOUT_S,
        )
        if answer.status_code != httpx.codes.OK:
            raise StoryError(f"{self.address} cannot log in: {answer.text[:300]}")
        return str(answer.json()["meta"]["access_token"])
