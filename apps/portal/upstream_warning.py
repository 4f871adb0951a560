"""Saying at once that an upstream does not answer, instead of at the submission."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.apis import services
from apps.apis.models import Api


def warn_if_unreachable(request: HttpRequest, api: Api) -> None:
    """Call the upstream, or the one that waits for an approver, and say where it is not well; outside transactions."""
    for warning in services.warn_of_upstream(api=api):
        said = _("It is saved, but the upstream does not answer as it should: %(reason)s")
        messages.warning(request, said % {"reason": warning.detail})
