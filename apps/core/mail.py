"""E-mail through the outbox: written with the change that causes it, sent by the relay."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import override

from apps.core import outbox
from apps.core.crypto import decrypt, encrypt

MAIL_TOPIC: Final = "core.mail"
WRITTEN_MAIL_TOPIC: Final = "core.written_mail"


def send_mail(
    *,
    template: str,
    to: list[str],
    language: str,
    context: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> None:
    """Queue one message in the caller's transaction, perhaps with headers of its own.

    `template` names `emails/<template>.subject.txt`, `.txt` and `.html`; it is rendered in the recipient's
    language when the message is sent. The context holds plain JSON values only.
    """
    payload = {
        "template": template,
        "to": to,
        "language": language,
        "context": context,
        "headers": headers or {},
    }
    outbox.enqueue(MAIL_TOPIC, payload)


@outbox.handles(MAIL_TOPIC)
def deliver_mail(payload: dict[str, Any]) -> None:
    """Render and send one queued message."""
    path = f"emails/{payload['template']}"
    with override(payload["language"]):
        subject = " ".join(render_to_string(f"{path}.subject.txt", payload["context"]).split())
        text = render_to_string(f"{path}.txt", payload["context"])
        html = render_to_string(f"{path}.html", payload["context"])
    message = EmailMultiAlternatives(
        subject=subject, body=text, to=payload["to"], headers=payload.get("headers")
    )
    message.attach_alternative(html, "text/html")
    message.send()


def send_written_mail(message: EmailMultiAlternatives) -> None:
    """Queue a message that is written already, in the caller's transaction.

    What it says is encrypted while it waits, since it may hold a link or a code that opens an account.
    """
    html = [str(content) for content, kind in message.alternatives if kind == "text/html"]
    content = {"subject": message.subject, "text": message.body, "html": html[0] if html else ""}
    payload = {
        "to": message.to,
        "from": message.from_email,
        "headers": message.extra_headers,
        "sealed": encrypt(json.dumps(content, default=str)),
    }
    outbox.enqueue(WRITTEN_MAIL_TOPIC, payload)


@outbox.handles(WRITTEN_MAIL_TOPIC)
def deliver_written_mail(payload: dict[str, Any]) -> None:
    """Send one message that was queued as written."""
    content = json.loads(decrypt(payload["sealed"]))
    message = EmailMultiAlternatives(
        subject=content["subject"],
        body=content["text"],
        from_email=payload["from"],
        to=payload["to"],
        headers=payload["headers"],
    )
    if content["html"]:
        message.attach_alternative(content["html"], "text/html")
    message.send()
