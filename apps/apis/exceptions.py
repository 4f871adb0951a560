"""Refusals of this app."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, InvalidInput, RuleViolated


class SlugTaken(Conflict):
    """Another API has the address."""

    code = "slug_taken"
    title = _("This address is taken")


class SlugRefused(InvalidInput):
    """The address is reserved or not well-formed."""

    code = "slug_refused"
    title = _("This address cannot be used")


class SlugFixed(Conflict):
    """The address was submitted once; callers may rely on it."""

    code = "slug_fixed"
    title = _("The address cannot change after the first submission")


class ApiNotEditable(Conflict):
    """Somebody is looking at the API right now, or it is retired."""

    code = "api_not_editable"
    title = _("The API cannot be changed in its present state")


class RequirementsUnmet(RuleViolated):
    """Something is missing before the API can be submitted; `unmet` lists it."""

    code = "requirements_unmet"
    title = _("Something is missing before this API can be submitted")

    def __init__(self, unmet: Mapping[str, str]) -> None:
        """Name what is missing, by the requirements' codes."""
        self.unmet = dict(unmet)
        super().__init__(
            " ".join(unmet.values()),
            unmet=[{"code": code, "detail": detail} for code, detail in unmet.items()],
        )


class SuspendedByOperator(Conflict):
    """The operator suspended the API, so only the operator can resume it."""

    code = "suspended_by_operator"
    title = _("The operator suspended this API; write to support to have it resumed")


class DocumentNotFetched(InvalidInput):
    """The OpenAPI document could not be read from its address."""

    code = "document_not_fetched"
    title = _("The document could not be read from this address")
