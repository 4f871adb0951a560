"""E-mail through the outbox: written with the change that causes it, sent by the relay."""

from __future__ import annotations

from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import override

from apps.core import outbox

MAIL_TOPIC: Final = "core.mail"


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
