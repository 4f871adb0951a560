"""Writes of this app."""

from apps.apis.services.access import (
    AccessInvitation,
    accept_access,
    grant_access,
    invite_by_mail,
    read_invitation,
    remove_access,
)
from apps.apis.services.categories import save_category
from apps.apis.services.discovery import (
    feature_api,
    note_listing,
    rebuild_vocabulary,
    set_listing_facts,
)
from apps.apis.services.domains import (
    add_domain,
    check_claimed_domains,
    confirm_domain,
    remove_domain,
    verify_domain,
)
from apps.apis.services.editing import create_api, is_editable, update_api
from apps.apis.services.fields import ListingFields
from apps.apis.services.headers import (
    add_required_header,
    can_be_required,
    remove_required_header,
)
from apps.apis.services.imports import (
    ImportedDocument,
    apply_import,
    check_document,
    discard_import,
    fetch_openapi,
    import_openapi,
    prepare_import,
)
from apps.apis.services.lifecycle import (
    approve_api,
    deprecate_api,
    mark_api_active,
    mark_api_failed,
    reject_api,
    reopen_api,
    resume_api,
    retire_api,
    retry_registration,
    submit_api,
    suspend_api,
    withdraw_api,
)
from apps.apis.services.logos import fetch_logo, remove_logo, set_logo
from apps.apis.services.monitoring import check_upstream
from apps.apis.services.secrets import delete_upstream_secret, set_upstream_secret
from apps.apis.services.sunsets import AppliedSunsets, apply_sunsets
from apps.apis.services.updates import (
    approve_update,
    drop_update,
    reject_update,
    withdraw_update,
)
from apps.apis.services.versions import (
    create_version,
    deprecate_version,
    describe_version,
    make_version_current,
    publish_version,
    retire_version,
)
from apps.apis.services.warnings import (
    FieldWarning,
    known_upstream_warnings,
    warn_of_upstream,
)

__all__ = (
    "AccessInvitation",
    "AppliedSunsets",
    "FieldWarning",
    "ImportedDocument",
    "ListingFields",
    "accept_access",
    "add_domain",
    "add_required_header",
    "apply_import",
    "apply_sunsets",
    "approve_api",
    "approve_update",
    "can_be_required",
    "check_claimed_domains",
    "check_document",
    "check_upstream",
    "confirm_domain",
    "create_api",
    "create_version",
    "delete_upstream_secret",
    "deprecate_api",
    "deprecate_version",
    "describe_version",
    "discard_import",
    "drop_update",
    "feature_api",
    "fetch_logo",
    "fetch_openapi",
    "grant_access",
    "import_openapi",
    "invite_by_mail",
    "is_editable",
    "known_upstream_warnings",
    "make_version_current",
    "mark_api_active",
    "mark_api_failed",
    "note_listing",
    "prepare_import",
    "publish_version",
    "read_invitation",
    "rebuild_vocabulary",
    "reject_api",
    "reject_update",
    "remove_access",
    "remove_domain",
    "remove_logo",
    "remove_required_header",
    "reopen_api",
    "resume_api",
    "retire_api",
    "retire_version",
    "retry_registration",
    "save_category",
    "set_listing_facts",
    "set_logo",
    "set_upstream_secret",
    "submit_api",
    "suspend_api",
    "update_api",
    "verify_domain",
    "warn_of_upstream",
    "withdraw_api",
    "withdraw_update",
)
