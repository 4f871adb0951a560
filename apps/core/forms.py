"""What the forms of all apps share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.utils.html import format_html
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError


@contextmanager
def refusals_on(form: BaseForm) -> Iterator[None]:
    """Show what a service refuses as errors of the form, at the field that the refusal names.

    Return from inside the block on success; after it, render the form again.
    """
    try:
        yield
    except DomainError as error:
        field = error.field if error.field in form.fields else None
        form.add_error(field, refusal_text(error))
    except ValidationError as error:
        known = hasattr(error, "error_dict") and set(error.error_dict) <= set(form.fields)
        form.add_error(None, error if known else error.messages)


def refusal_text(error: DomainError) -> str:
    """Return what a refusal says; one that names where to get more (`upgrade_url`) ends with the link to it."""
    url = error.extra.get("upgrade_url")
    if not url:
        return str(error.detail)
    return format_html('{} <a href="{}">{}</a>', str(error.detail), url, _("Compare the plans"))
