"""How django-allauth's steps fit ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.db import transaction

from apps.core.mail import send_written_mail


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the package has no types
    """allauth's defaults, under the marketplace's own name and address."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a message that names this marketplace rather than a row of the sites framework.

        The relay sends it, so that no page waits for the mail server, and none fails with it.
        """
        site = {"name": settings.MARKETPLACE_NAME, "domain": urlsplit(settings.PUBLIC_URL).netloc}
        shown = {"request": allauth_context.request, "email": email, "current_site": site}
        message = self.render_mail(template_prefix, email, {**shown, **context})
        with transaction.atomic():
            send_written_mail(message)

    def format_email_subject(self, subject: str) -> str:
        """Leave the subject as the template has it; the sender's name says the rest."""
        return subject
