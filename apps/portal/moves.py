"""What the buttons of the console share: do one thing, say how it went, go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.core.exceptions import DomainError


def carry_out(
    request: HttpRequest, move: Callable[[], Any], *, done: str, back_to: str
) -> HttpResponse:
    """Do a move, tell how it went, and go to a URL."""
    try:
        move()
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, done)
    return redirect(back_to)


def ask(  # noqa: PLR0913 -- what a question consists of; all named
    request: HttpRequest,
    *,
    question: str,
    effects: list[str],
    verb: str,
    cancel_url: str,
    form: Form | None = None,
    is_danger: bool = True,
) -> HttpResponse:
    """Ask before a move that cannot be taken back: what will happen, and one button."""
    context = {
        "question": question,
        "action": request.get_full_path(),
        "effects": effects,
        "verb": verb,
        "cancel_url": cancel_url,
        "form": form,
        "is_danger": is_danger,
    }
    return render(request, "layouts/confirm.html", context)
