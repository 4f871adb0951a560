"""Writes of this app."""

from apps.apis.services.categories import save_category
from apps.apis.services.editing import ListingFields, create_api, is_editable, update_api
from apps.apis.services.health import check_upstream
from apps.apis.services.imports import (
    ImportedDocument,
    check_document,
    fetch_openapi,
    import_openapi,
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
from apps.apis.services.secrets import delete_upstream_secret, set_upstream_secret

__all__ = (
    "ImportedDocument",
    "ListingFields",
    "approve_api",
    "check_document",
    "check_upstream",
    "create_api",
    "delete_upstream_secret",
    "deprecate_api",
    "fetch_openapi",
    "import_openapi",
    "is_editable",
    "mark_api_active",
    "mark_api_failed",
    "reject_api",
    "reopen_api",
    "resume_api",
    "retire_api",
    "retry_registration",
    "save_category",
    "set_upstream_secret",
    "submit_api",
    "suspend_api",
    "update_api",
    "withdraw_api",
)
