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


class DocumentTooLarge(InvalidInput):
    """What was sent is larger than what is read; nothing of it was stored."""

    code = "document_too_large"
    status = 413
    title = _("The file is too large")


class PictureRefused(InvalidInput):
    """The file is not a picture that can be shown as a logo."""

    code = "picture_refused"
    title = _("This file cannot be used as a logo")


class UpdatePending(Conflict):
    """A change of the live API waits for an approver; withdraw it before asking for another."""

    code = "update_pending"
    title = _("A change of this API waits for an approver; withdraw it first, or wait")


class UpdateSettled(Conflict):
    """The change was decided or withdrawn before."""

    code = "update_settled"
    title = _("This change is decided already")


class ImportSettled(Conflict):
    """The document was applied or discarded before."""

    code = "import_settled"
    title = _("This document was applied or discarded already")


class VersionRetired(Conflict):
    """The version is gone; give the document a new version."""

    code = "version_retired"
    title = _("This version is retired; give the document another version")


class VersionInUse(Conflict):
    """The version is the one that callers read about; make another one current first."""

    code = "version_in_use"
    title = _("This is the current version; make another one current first")


class VersionNotPublished(Conflict):
    """A version that was never published, or is retired, cannot be the current one of a live API."""

    code = "version_not_published"
    title = _("Only a published version can be the current one of a live API")


class VersionTaken(Conflict):
    """The API has a version of that name."""

    code = "version_taken"
    title = _("The API has a version of this name")


class SunsetInThePast(InvalidInput):
    """A sunset must be announced before it comes."""

    code = "sunset_in_the_past"
    title = _("The sunset must lie in the future")


class AlreadyInvited(Conflict):
    """The organization has access already."""

    code = "access_exists"
    title = _("This organization has access already")


class InvitationInvalid(RuleViolated):
    """The link to a private API is expired, was withdrawn, or is meant for another address."""

    code = "access_invitation_invalid"
    title = _("This invitation is no longer valid, or is meant for somebody else")


class HeaderTaken(Conflict):
    """Callers are asked for the header already."""

    code = "header_taken"
    title = _("Callers are asked for this header already")


class AlreadyVerified(Conflict):
    """The operator knows the provider already, so there is nothing to ask for."""

    code = "already_verified"
    title = _("This provider is verified already")


class DomainTaken(Conflict):
    """The API has the domain already, or somebody has proven that it is theirs."""

    code = "domain_taken"
    title = _("This domain is in use already")
