"""Routes of the portal's own pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from apps.portal.views import (
    catalogue,
    console,
    keys,
    plans,
    preferences,
    provider_apis,
    provider_health,
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
    path("apis/<slug:slug>/", catalogue.api_page, name="api"),
    path("console/", console.home, name="console"),
    path("console/provider/apis/", provider_apis.api_list, name="provider_apis"),
    path("console/provider/apis/new/", provider_apis.create, name="provider_api_create"),
    path(PROVIDER_API, provider_apis.api_page, name="provider_api"),
    path(f"{PROVIDER_API}listing/", provider_apis.listing, name="provider_api_listing"),
    path(f"{PROVIDER_API}upstream/", provider_apis.upstream, name="provider_api_upstream"),
    path(f"{PROVIDER_API}import/", provider_apis.import_document, name="provider_api_import"),
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
