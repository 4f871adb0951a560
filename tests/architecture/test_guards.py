"""Nothing is open by mistake: REST views declare permissions, pages carry a guard or are listed as public."""

from __future__ import annotations

from apps.accounts.enums import StaffRole
from apps.accounts.roles import ALL_PERMISSIONS
from apps.core.api.permissions import AUTHENTICATED, PUBLIC, STAFF_PREFIX
from tests.endpoints import all_routes, api_routes

# Served by packages, which guard their own pages: allauth, Django's admin, dj-stripe.
PACKAGES = ("/accounts/", "/_allauth/", "/backoffice/", "/webhooks/stripe/")
PUBLIC_PAGES = {
    "/",
    "/apis/",
    "/apis/<slug:slug>/",
    "/apis/<slug:slug>/reviews/",  # asks whether the API may be read, as the one above does
    "/apis/<slug:slug>/reference/",  # asks whether the API may be read, as the one above does
    "/apis/categories/<slug:slug>/",
    "/apis/<slug:slug>/logo/<slug:digest>",  # asks whether the API may be read
    "/internal/gateway/changes",  # asks authorizers for their shared secret
    "/invitations/<str:secret>/",
    "/metrics",
    "/notifications/unsubscribe/<str:token>/",  # the signed address is the proof
    "/preferences/language/",
    "/preferences/theme/",
    "/problems/",
    "/problems/<slug:code>",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemap-<slug:section>.xml",
    "/styleguide/",
    "/media/<path:path>",
    "/preferences/tenant/",  # asks for the login itself
}
# Plain functions below /api/ that check their caller themselves.
SELF_GUARDED = {"/api/billing/webhook"}


def test_rest_views_declare_a_known_permission_for_every_method() -> None:
    wrong = {}
    for route in api_routes():
        if route.pattern in SELF_GUARDED:
            continue
        declared = getattr(route.view_class, "method_permissions", {})
        missing = set(route.methods) ^ set(declared)
        unknown = [name for name in declared.values() if not is_known(name)]
        if missing or unknown:
            wrong[route.template] = (sorted(missing), unknown)

    assert wrong == {}


def is_known(permission: str) -> bool:
    if permission.startswith(STAFF_PREFIX):
        roles = permission.removeprefix(STAFF_PREFIX).split(",")
        return set(roles) <= set(StaffRole.values)
    return permission in {PUBLIC, AUTHENTICATED} or permission in ALL_PERMISSIONS


def test_pages_carry_a_guard_or_are_listed_as_public() -> None:
    pages = {
        route.pattern: route.view
        for route in all_routes()
        if not route.pattern.startswith((*PACKAGES, "/api/"))
    }

    open_pages = {path for path, view in pages.items() if not hasattr(view, "page_guard")}

    assert sorted(open_pages - PUBLIC_PAGES) == [], "neither guarded nor listed as public"


def test_console_pages_are_never_public() -> None:
    assert [path for path in PUBLIC_PAGES if path.startswith("/console/")] == []


def test_rest_routes_stand_below_a_version() -> None:
    aliases = {
        "/api/health",
        "/api/health/live",
        "/api/health/ready",
        "/api/jobs/status/{job_id}",
        "/api/billing/webhook",
    }
    odd = {
        route.template
        for route in api_routes()
        if not route.template.startswith("/api/v1/") and route.template not in aliases
    }

    assert odd == set()
