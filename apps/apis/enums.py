"""States and kinds of this app."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class ApiStatus(TextChoices):
    """Where an API stands in its life."""

    DRAFT = "draft", pgettext_lazy("api", "draft")
    SUBMITTED = "submitted", pgettext_lazy("api", "submitted")
    PENDING_APPROVAL = "pending_approval", pgettext_lazy("api", "pending approval")
    APPROVED = "approved", pgettext_lazy("api", "approved")
    REGISTERING = "registering", pgettext_lazy("api", "registering")
    ACTIVE = "active", pgettext_lazy("api", "active")
    SUSPENDED = "suspended", pgettext_lazy("api", "suspended")
    REJECTED = "rejected", pgettext_lazy("api", "rejected")
    FAILED = "failed", pgettext_lazy("api", "failed")
    DEPRECATED = "deprecated", pgettext_lazy("api", "deprecated")
    RETIRED = "retired", pgettext_lazy("api", "retired")


# Calls pass in these states (a deprecated API serves its subscribers until it is retired).
CALLABLE_STATUSES = (ApiStatus.ACTIVE, ApiStatus.DEPRECATED)
# These count against the provider's plan of the platform: everything between its submission and its end.
PUBLISHED_STATUSES = (
    ApiStatus.SUBMITTED,
    ApiStatus.PENDING_APPROVAL,
    ApiStatus.APPROVED,
    ApiStatus.REGISTERING,
    ApiStatus.ACTIVE,
    ApiStatus.SUSPENDED,
    ApiStatus.FAILED,
    ApiStatus.DEPRECATED,
)


class Visibility(TextChoices):
    """Who finds an API."""

    PUBLIC = "public", pgettext_lazy("visibility", "public")
    UNLISTED = "unlisted", pgettext_lazy("visibility", "unlisted")
    PRIVATE = "private", pgettext_lazy("visibility", "private")


class GoLiveMode(TextChoices):
    """How an API of a category goes live."""

    REVIEW = "review", pgettext_lazy("go live", "review first")
    INSTANT = "instant", pgettext_lazy("go live", "instant for verified providers")


class VersionStatus(TextChoices):
    """Where a version of an API stands."""

    DRAFT = "draft", pgettext_lazy("version", "draft")
    PUBLISHED = "published", pgettext_lazy("version", "published")
    DEPRECATED = "deprecated", pgettext_lazy("version", "deprecated")
    RETIRED = "retired", pgettext_lazy("version", "retired")


# Callers may use versions in these states.
SERVED_VERSIONS = (VersionStatus.PUBLISHED, VersionStatus.DEPRECATED)


class ImportStatus(TextChoices):
    """What became of a document that was read."""

    PENDING = "pending", pgettext_lazy("import", "pending")
    APPLIED = "applied", pgettext_lazy("import", "applied")
    DISCARDED = "discarded", pgettext_lazy("import", "discarded")


class UpdateStatus(TextChoices):
    """What became of a change to a live API."""

    PENDING = "pending", pgettext_lazy("update", "pending")
    APPROVED = "approved", pgettext_lazy("update", "approved")
    REJECTED = "rejected", pgettext_lazy("update", "rejected")
    CANCELLED = "cancelled", pgettext_lazy("update", "cancelled")


class TimeoutClass(TextChoices):
    """How long the gateway waits for an upstream to begin its answer; seconds are in `gateway.entries`."""

    SHORT = "short", pgettext_lazy("timeout", "short (10 seconds)")
    STANDARD = "standard", pgettext_lazy("timeout", "standard (60 seconds)")
    LONG = "long", pgettext_lazy("timeout", "long (as long as a call may take)")


class DomainStatus(TextChoices):
    """Whether a domain is proven to be its provider's."""

    PENDING = "pending", pgettext_lazy("domain", "pending")
    VERIFIED = "verified", pgettext_lazy("domain", "verified")


class CircuitState(TextChoices):
    """Whether the gateway dials an upstream."""

    CLOSED = "closed", pgettext_lazy("circuit", "closed")
    HALF_OPEN = "half_open", pgettext_lazy("circuit", "on trial")
    OPEN = "open", pgettext_lazy("circuit", "open")
