"""How django-allauth's steps fit ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the package has no types
    """allauth's defaults, under the marketplace's own name and address."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a message that names this marketplace rather than a row of the sites framework."""
        site = {"name": settings.MARKETPLACE_NAME, "domain": urlsplit(settings.PUBLIC_URL).netloc}
        super().send_mail(template_prefix, email, {"current_site": site, **context})

    def format_email_subject(self, subject: str) -> str:
        """Leave the subject as the template has it; the sender's name says the rest."""
        return subject
