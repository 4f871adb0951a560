"""Routes of the portal's own pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from apps.portal.views import (
    api_pages,
    catalogue,
    console,
    keys,
    logos,
    plans,
    preferences,
    provider_access,
    provider_apis,
    provider_documents,
    provider_health,
    provider_listing,
    provider_moves,
    styleguide,
    subscribers,
    subscriptions,
)

app_name = "portal"
PROVIDER_API = "console/provider/apis/<str:api_id>/"
PLAN = "console/provider/plans/<str:plan_id>/"
SUBSCRIBER = "console/provider/subscribers/<str:subscription_id>/"
SUBSCRIPTION = "console/subscriptions/<str:subscription_id>/"
KEY = "console/keys/<str:key_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", catalogue.home, name="home"),
    path("apis/", catalogue.catalogue, name="catalogue"),
    path("apis/categories/<slug:slug>/", catalogue.category_page, name="category"),
    path("apis/<slug:slug>/", api_pages.api_page, name="api"),
    path("apis/<slug:slug>/reference/", api_pages.reference, name="api_reference"),
    path("apis/<slug:slug>/logo/<slug:digest>", logos.api_logo, name="api_logo"),
    path("console/", console.home, name="console"),
    path("console/provider/apis/", provider_apis.api_list, name="provider_apis"),
    path("console/provider/apis/new/", provider_apis.create, name="provider_api_create"),
    path(PROVIDER_API, provider_apis.api_page, name="provider_api"),
    path(f"{PROVIDER_API}history/", provider_apis.history, name="provider_api_history"),
    path(f"{PROVIDER_API}listing/", provider_listing.listing, name="provider_api_listing"),
    path(f"{PROVIDER_API}logo/", provider_listing.logo, name="provider_api_logo"),
    path(f"{PROVIDER_API}upstream/", provider_listing.upstream, name="provider_api_upstream"),
    path(f"{PROVIDER_API}import/", provider_documents.import_document, name="provider_api_import"),
    path(
        f"{PROVIDER_API}imports/<str:import_id>/",
        provider_documents.import_review,
        name="provider_api_import_review",
    ),
    path(
        f"{PROVIDER_API}imports/<str:import_id>/apply/",
        provider_documents.apply_import,
        name="provider_api_import_apply",
    ),
    path(
        f"{PROVIDER_API}imports/<str:import_id>/discard/",
        provider_documents.discard_import,
        name="provider_api_import_discard",
    ),
    path(f"{PROVIDER_API}versions/", provider_documents.versions, name="provider_api_versions"),
    path(
        f"{PROVIDER_API}versions/<str:version_id>/",
        provider_documents.version_page,
        name="provider_api_version",
    ),
    path(
        f"{PROVIDER_API}versions/<str:version_id>/<slug:move>/",
        provider_documents.move_version,
        name="provider_api_version_move",
    ),
    path(f"{PROVIDER_API}access/", provider_access.access, name="provider_api_access"),
    path(
        f"{PROVIDER_API}access/<str:access_id>/remove/",
        provider_access.remove_access,
        name="provider_api_access_remove",
    ),
    path("console/invited/<str:token>/", provider_access.invitation, name="api_invitation"),
    path(f"{PROVIDER_API}deprecate/", provider_moves.deprecate, name="provider_api_deprecate"),
    path(f"{PROVIDER_API}retire/", provider_moves.retire, name="provider_api_retire"),
    path(
        f"{PROVIDER_API}updates/<str:update_id>/withdraw/",
        provider_moves.withdraw_update,
        name="provider_api_update_withdraw",
    ),
    path(f"{PROVIDER_API}headers/", provider_moves.add_header, name="provider_api_add_header"),
    path(
        f"{PROVIDER_API}headers/<str:header_id>/delete/",
        provider_moves.remove_header,
        name="provider_api_remove_header",
    ),
    path(f"{PROVIDER_API}submit/", provider_moves.submit, name="provider_api_submit"),
    path(f"{PROVIDER_API}check/", provider_moves.check_upstream, name="provider_api_check"),
    path(f"{PROVIDER_API}health/", provider_health.health, name="provider_api_health"),
    path(f"{PROVIDER_API}retry/", provider_moves.retry, name="provider_api_retry"),
    path(f"{PROVIDER_API}resume/", provider_moves.resume, name="provider_api_resume"),
    path(f"{PROVIDER_API}suspend/", provider_moves.suspend, name="provider_api_suspend"),
    path(f"{PROVIDER_API}withdraw/", provider_moves.withdraw, name="provider_api_withdraw"),
    path(f"{PROVIDER_API}answer/", provider_moves.answer, name="provider_api_answer"),
    path(f"{PROVIDER_API}secrets/", provider_moves.set_secret, name="provider_api_set_secret"),
    path(
        f"{PROVIDER_API}secrets/<str:secret_id>/delete/",
        provider_moves.delete_secret,
        name="provider_api_delete_secret",
    ),
    path("console/provider/plans/", plans.plan_list, name="provider_plans"),
    path("console/provider/plans/new/", plans.create, name="provider_plan_create"),
    path(PLAN, plans.plan_page, name="provider_plan"),
    path(f"{PLAN}edit/", plans.edit, name="provider_plan_edit"),
    path(f"{PLAN}price/", plans.new_price, name="provider_plan_price"),
    path(f"{PLAN}publish/", plans.publish, name="provider_plan_publish"),
    path(f"{PLAN}withdraw/", plans.deprecate, name="provider_plan_deprecate"),
    path(f"{PLAN}close/", plans.close, name="provider_plan_close"),
    path("console/provider/subscribers/", subscribers.subscriber_list, name="provider_subscribers"),
    path(f"{SUBSCRIBER}accept/", subscribers.accept, name="provider_subscriber_accept"),
    path(f"{SUBSCRIBER}decline/", subscribers.decline, name="provider_subscriber_decline"),
    path(f"{SUBSCRIBER}suspend/", subscribers.suspend, name="provider_subscriber_suspend"),
    path(f"{SUBSCRIBER}resume/", subscribers.resume, name="provider_subscriber_resume"),
    path("console/subscribe/<str:plan_id>/", subscriptions.subscribe, name="subscribe"),
    path("console/subscriptions/", subscriptions.subscription_list, name="subscriptions"),
    path(SUBSCRIPTION, subscriptions.subscription_page, name="subscription"),
    path(f"{SUBSCRIPTION}cancel/", subscriptions.cancel, name="subscription_cancel"),
    path(f"{SUBSCRIPTION}keep/", subscriptions.keep, name="subscription_keep"),
    path(f"{SUBSCRIPTION}pause/", subscriptions.pause, name="subscription_pause"),
    path(f"{SUBSCRIPTION}resume/", subscriptions.resume, name="subscription_resume"),
    path(f"{SUBSCRIPTION}keys/new/", keys.create, name="key_create"),
    path("console/keys/", keys.key_list, name="keys"),
    path(KEY, keys.key_page, name="key"),
    path(f"{KEY}state/", keys.state, name="key_state"),
    path(f"{KEY}rotate/", keys.rotate, name="key_rotate"),
    path(f"{KEY}revoke/", keys.revoke, name="key_revoke"),
    path(f"{KEY}suspend/", keys.suspend, name="key_suspend"),
    path(f"{KEY}resume/", keys.resume, name="key_resume"),
    path("preferences/language/", require_POST(set_language), name="set_language"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("preferences/tenant/", preferences.switch_tenant, name="switch_tenant"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
