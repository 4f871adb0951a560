"""Routes of the pages about access: plans, subscriptions, subscribers, keys."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, URLResolver, path

from apps.portal.views import keys, plans, subscribers, subscriptions

PLAN: Final = "console/provider/plans/<str:plan_id>/"
SUBSCRIBER: Final = "console/provider/subscribers/<str:subscription_id>/"
SUBSCRIPTION: Final = "console/subscriptions/<str:subscription_id>/"
KEY: Final = "console/keys/<str:key_id>/"

access_routes: Final[list[URLPattern | URLResolver]] = [
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
]
