"""Keys that are held to endpoints or groups follow the API's documents; what is kept for admin keys is in the route."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.apis import services as api_services
from apps.apis.models import Api
from apps.core.relay import drain_until_empty
from apps.gateway import services
from apps.gateway.models import RegistryEntry
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def import_document(
    api: Api, *operations: tuple[str, str, str], version: str = "1.0", **marked: Any
) -> None:
    paths: dict[str, Any] = {}
    for method, path, tag in operations:
        parameters = [
            {"name": name.strip("{}"), "in": "path", "required": True}
            for name in path.split("/")
            if name.startswith("{")
        ]
        operation = {
            "tags": [tag],
            "parameters": parameters,
            "responses": {},
            **marked.get(tag, {}),
        }
        paths.setdefault(path, {})[method.lower()] = operation
    document = {"openapi": "3.0.3", "info": {"title": "T", "version": version}, "paths": paths}
    content = json.dumps(document).encode()
    api_services.import_openapi(api=api, content=content, actor=SYSTEM)


@pytest.fixture
def subscription() -> Subscription:
    subscription = make_subscription(plan=make_plan())
    import_document(
        subscription.api, ("GET", "/days", "Days"), ("GET", "/nights/{night}", "Nights")
    )
    return subscription


def endpoints_of(key: ApiKey) -> Any:
    payload = RegistryEntry.objects.get(subject_id=key.pk).payload
    assert payload is not None
    return payload["endpoints"]


def test_groups_and_endpoints_add_up(subscription: Subscription) -> None:
    free = make_key(subscription).key
    both = make_key(subscription, tags=("Days",), endpoints=("GET /nights/{night}",)).key

    assert endpoints_of(free) is None
    assert endpoints_of(both) == [["GET", "/days"], ["GET", "/nights/{night}"]]


def test_group_follows_the_document(subscription: Subscription) -> None:
    held = make_key(subscription, tags=("Days",)).key
    listed = make_key(subscription, endpoints=("GET /days",)).key

    import_document(
        subscription.api,
        ("GET", "/days", "Old"),
        ("GET", "/nights/{night}", "Nights"),
        ("POST", "/days", "Days"),
    )
    drain_until_empty()

    assert endpoints_of(held) == [["POST", "/days"]]
    assert endpoints_of(listed) == [["GET", "/days"]]


def test_key_whose_endpoints_are_all_gone_may_call_nothing(subscription: Subscription) -> None:
    key = make_key(subscription, tags=("Days",)).key
    subscription.api.versions.all().delete()

    services.want_limited_keys_of(subscription.api_id)

    assert endpoints_of(key) == []


def test_keys_of_one_api_share_what_was_read(
    subscription: Subscription, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [make_key(subscription, tags=("Days",)).key for _ in range(3)]
    # One for the keys, two for what the documents describe, five for each key and its entries.
    with django_assert_num_queries(18):
        services.want_limited_keys_of(subscription.api_id)
    assert len(keys) == 3


def test_reconciliation_finds_nothing_to_do(subscription: Subscription) -> None:
    make_key(subscription, tags=("Days",), rate_per_hour=7)
    services.want_route(subscription.api_id)

    assert services.want_every_entry() == 0


def test_operations_for_admin_keys_are_closed_to_the_others(subscription: Subscription) -> None:
    import_document(
        subscription.api,
        ("GET", "/days", "Days"),
        ("GET", "/nights/{night}", "Nights"),
        ("DELETE", "/days", "Admin"),
        Admin={"x-required-scope": "admin"},
    )

    route = RegistryEntry.objects.get(subject_id=subscription.api_id)
    assert route.payload is not None
    assert route.payload["open_endpoints"] == [["GET", "/days"], ["GET", "/nights/{night}"]]
    assert services.want_every_entry() == 0
