"""Providers make, try out, change and archive meters of their own APIs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.apis.models import Api
from apps.core.clock import Period
from apps.core.models import AuditEvent
from apps.pricing.enums import PriceModel
from apps.pricing.models import PriceComponent
from apps.subscriptions.models import Subscription
from apps.usage.models import Meter, MeterError, UsageWindow
from apps.usage.rewind_scopes import RewindScope
from apps.usage.services import carry_out_rewind, request_rewind
from tests.apps.usage.test_meters import NINE, call, send
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.direct import make_subscription_row
from tests.factories.keys import SYSTEM
from tests.factories.meters import make_meter

pytestmark = pytest.mark.django_db

TOKENS = {
    "key": "tokens",
    "name": "Tokens",
    "source": "header",
    "property_name": "tokens",
    "aggregation": "sum",
    "filters": [{"property": "method", "operator": "in", "value": ["GET", "POST"]}],
    "group_by": [{"property": "model", "values": ["small", "large"]}],
    "conversion": "divide",
    "conversion_factor": "1000",
    "rounding": "ceiling",
}


class Provider:
    """The provider of a subscription's API, as a person and over REST."""

    def __init__(self) -> None:
        self.subscription: Subscription = make_subscription_row()
        self.api: Api = self.subscription.api
        self.member = make_member("developer", self.subscription.provider_organization)
        self.rest = api_client(self.member)
        self.url = f"/api/v1/provider/apis/{self.api.public_id}/meters"

    def post(self, **fields: Any) -> Any:
        return self.rest.post(self.url, {**TOKENS, **fields}, format="json")


@pytest.fixture
def provider() -> Provider:
    return Provider()


def test_a_meter_is_made_changed_and_archived(provider: Provider) -> None:
    made = provider.post()
    assert made.status_code == 201, made.data
    assert (made.data["key"], made.data["watermark_delay_s"]) == ("tokens", 300)
    one = f"{provider.url}/{made.data['id']}"

    changed = provider.rest.patch(one, {"name": "Words", "window_s": 60}, format="json")
    archived = provider.rest.post(f"{one}/archive")

    assert (changed.status_code, changed.data["name"], changed.data["window_s"]) == (
        200,
        "Words",
        60,
    )
    assert archived.data["archived_at"] is not None
    again = provider.rest.post(f"{one}/archive")
    assert (again.status_code, again.data["code"]) == (409, "meter_archived")
    taken = provider.post()
    assert (taken.status_code, taken.data["code"]) == (409, "meter_key_taken")
    actions = AuditEvent.objects.filter(action__startswith="usage:meter:").values_list(
        "action", flat=True
    )
    assert sorted(actions) == ["usage:meter:archived", "usage:meter:created", "usage:meter:updated"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"key": "calls"}, "key"),
        ({"key": "base_fee"}, "key"),
        ({"key": "To kens"}, "key"),
        ({"property_name": ""}, "property_name"),
        ({"source": "latency"}, "property_name"),
        ({"source": "calls", "property_name": ""}, "aggregation"),
        ({"conversion_factor": "0"}, "conversion_factor"),
        ({"rounding_places": 13}, "rounding_places"),
        ({"window_s": 61}, "window_s"),
        ({"watermark_delay_s": 604_801}, "watermark_delay_s"),
        ({"filters": [{"property": "x", "operator": "in", "value": "text"}]}, "filters"),
        ({"filters": [{"property": "x", "operator": "gt", "value": "text"}]}, "filters"),
        ({"filters": [{"property": "x", "operator": "exists"}] * 11}, "filters"),
        ({"group_by": [{"property": name, "values": ["v"]} for name in "abcd"]}, "group_by"),
        ({"group_by": [{"property": "a", "values": []}]}, "group_by"),
        (
            {"group_by": [{"property": n, "values": list("0123456789")} for n in "abc"]},
            "group_by",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused_by_field(
    provider: Provider, fields: dict[str, Any], wrong: str
) -> None:
    answer = provider.post(**fields)

    assert answer.status_code == 400, answer.data
    assert wrong in str(answer.data["errors"])
    assert not Meter.objects.exists()


def test_what_counted_keeps_how_it_counts(provider: Provider) -> None:
    meter = make_meter(provider.subscription)
    send(call(provider.subscription, source="own", properties={"tokens": 5}))
    one = f"{provider.url}/{meter.public_id}"

    refused = provider.rest.patch(one, {"aggregation": "max"}, format="json")
    allowed = provider.rest.patch(one, {"unit": "tokens", "watermark_delay_s": 60}, format="json")

    assert (refused.status_code, refused.data["code"]) == (409, "meter_in_use")
    assert (allowed.status_code, allowed.data["unit"]) == (200, "tokens")


def test_what_is_sold_is_neither_changed_nor_archived(provider: Provider) -> None:
    meter = make_meter(provider.subscription)
    version = provider.subscription.price_version
    PriceComponent.objects.create(
        version=version,
        meter="tokens",
        name="Tokens",
        model=PriceModel.PER_UNIT,
        unit_price=Decimal("0.01"),
    )
    version.is_current, version.published_at = True, datetime.now(UTC)  # noqa: TID251 -- any time
    version.save()
    one = f"{provider.url}/{meter.public_id}"

    changed = provider.rest.patch(one, {"rounding": "floor"}, format="json")
    archived = provider.rest.post(f"{one}/archive")

    assert [changed.status_code, archived.status_code] == [409, 409]
    assert archived.data["code"] == "meter_in_use"


def test_a_meter_is_tried_on_the_last_calls(provider: Provider) -> None:
    values = [1500, 700, "much", None]
    send(
        *(
            call(provider.subscription, minute=number, source="own", properties=properties)
            for number, properties in enumerate(
                {"tokens": value, "model": "small"} for value in values
            )
        )
    )

    answer = provider.rest.post(
        f"{provider.url}/sample", {**TOKENS, "source": "property"}, format="json"
    )

    assert answer.status_code == 200, answer.data
    assert (answer.data["events"], answer.data["counted"]) == (4, 2)
    assert [Decimal(answer.data["quantity"]), Decimal(answer.data["units"])] == [2200, 3]
    assert {row["events"] for row in answer.data["problems"]} == {1}
    assert [dict(row) for row in answer.data["groups"]] == [
        {"what": '{"model":"small"}', "events": 2}
    ]
    assert not Meter.objects.exists()


def test_another_organization_sees_nothing(provider: Provider) -> None:
    meter = make_meter(provider.subscription)
    stranger = OrganizationFactory.create()
    client = api_client(make_member("owner", stranger))

    answers = [
        client.get(provider.url),
        client.get(f"{provider.url}/{meter.public_id}"),
        client.patch(f"{provider.url}/{meter.public_id}", {"name": "x"}, format="json"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("count", [1, 3])
def test_list_and_page_take_as_many_queries_for_one_as_for_three(
    provider: Provider, count: int
) -> None:
    for number in range(count):
        meter = make_meter(provider.subscription, f"meter_{number}")
        MeterError.objects.create(
            meter=meter, code="missing", count=2, last_event_id=meter.pk, last_at=meter.created_at
        )
    with CaptureQueriesContext(connection) as listing:
        answer = provider.rest.get(provider.url)
    assert [len(row["not_counted"]) for row in answer.data["data"]] == [1] * count
    client = client_for(provider.member)
    page_url = reverse("portal:provider_api_meters", args=[provider.api.public_id])
    client.get(page_url)
    with CaptureQueriesContext(connection) as page:
        shown = client.get(page_url)

    assert shown.status_code == 200
    assert shown.content.decode().count("meter_") >= count
    assert (len(listing), len(page)) == (3, 10)


def test_pages_make_try_change_and_archive_a_meter(provider: Provider) -> None:
    client = client_for(provider.member)
    api_id = provider.api.public_id
    new = reverse("portal:provider_api_meter_create", args=[api_id])
    send(call(provider.subscription, source="own", properties={"tokens": 1500}))
    fields = {
        "name": "Tokens", "key": "tokens", "source": "property", "property_name": "tokens",
        "aggregation": "sum", "filters": "method in GET, POST\ntokens exists",
        "group_by": "model: small, large", "conversion": "divide", "conversion_factor": "1000",
        "rounding": "half_up", "rounding_places": "0", "window_s": "3600",
        "watermark_delay_s": "60",
    }  # fmt: skip

    tried = client.post(new, {**fields, "try": "1"})
    wrong = client.post(new, {**fields, "filters": "method GET"})
    saved = client.post(new, fields)

    assert "What it would give" in tried.content.decode()
    assert wrong.status_code == 422
    assert "method GET" in wrong.content.decode()
    assert saved.status_code == 302
    meter = Meter.objects.get()
    assert meter.filters == [
        {"property": "method", "operator": "in", "value": ["GET", "POST"]},
        {"property": "tokens", "operator": "exists"},
    ]
    assert meter.group_by == [{"property": "model", "values": ["small", "large"]}]

    UsageWindow.objects.create(
        consumer_organization_id=provider.subscription.consumer_organization_id,
        provider_organization_id=provider.subscription.provider_organization_id,
        subscription=provider.subscription,
        api_id=provider.api.pk,
        meter="tokens",
        window_start=meter.created_at,
        window_end=meter.created_at + timedelta(hours=1),
    )
    edit = reverse("portal:provider_api_meter", args=[api_id, meter.public_id])
    page = client.get(edit).content.decode()
    assert "model: small, large" in page
    changed = client.post(edit, {"name": "Words", "watermark_delay_s": "0"})
    assert changed.status_code == 302, changed.content.decode()
    meter.refresh_from_db()
    assert (meter.name, meter.watermark_delay_s, meter.aggregation) == ("Words", 0, "sum")
    archive = reverse("portal:provider_api_meter_archive", args=[api_id, meter.public_id])
    assert "billed with its period" in client.get(archive).content.decode()
    assert client.post(archive).status_code == 302
    meter.refresh_from_db()
    assert meter.archived_at is not None


def test_plan_builder_prices_a_meter_and_keeps_what_there_is(provider: Provider) -> None:
    make_meter(provider.subscription)
    make_meter(provider.subscription, "rows")
    client = client_for(provider.member)
    typed = {
        "currency": "USD", "interval": "month", "interval_count": "1", "quota_kind": "hard", "components": "2",
        "c0-model": "package", "c0-meter": "tokens", "c0-package_price": "0.5", "c0-package_size": "1000",
        "c0-units": "1500", "c1-model": "graduated", "c1-meter": "rows", "c1-tiers": "1", "c1-t0-unit_price": "0.01",
    }  # fmt: skip
    plan = provider.subscription.plan
    version = provider.subscription.price_version
    tiered = PriceComponent.objects.create(
        version=version, meter="rows", name="Rows", model=PriceModel.GRADUATED
    )
    tiered.tiers.create(position=0, up_to=None, unit_price=Decimal("0.01"))
    url = reverse("portal:provider_plan_price", args=[plan.public_id])

    begun = client.get(url).content.decode()
    bill = client.post(url, {**typed, "show_bill": "1"})
    more = client.post(url, {**typed, "add_component": "usage"})
    wrong = client.post(url, {**typed, "c0-package_price": ""})
    saved = client.post(url, typed)

    assert 'name="c0-t0-unit_price" value="0.01"' in begun
    assert "2 × 0.5 = 1" in bill.content.decode()
    assert 'name="c2-meter"' in more.content.decode()
    assert 'id="id_c0-package_price_error"' in wrong.content.decode()
    assert saved.status_code == 302
    newest = plan.versions.order_by("-number")[0]
    found = newest.components.values_list("meter", "model", "unit_price", "package_size")
    assert set(found) == {
        ("tokens", "package", Decimal("0.5"), Decimal(1000)),
        ("rows", "graduated", None, None),
    }


def test_a_price_names_only_meters_that_count(provider: Provider) -> None:
    make_meter(provider.subscription, "old", archived_at=datetime(2026, 1, 1, tzinfo=UTC))
    body = {
        "currency": "USD",
        "interval": "month",
        "components": [
            {"meter": key, "name": key, "model": "per_unit", "unit_price": "1"}
            for key in ("calls", "old", "unknown")
        ],
    }
    url = f"/api/v1/provider/plans/{provider.subscription.plan.public_id}/versions"

    answer = provider.rest.post(url, body, format="json")

    assert answer.status_code == 422, answer.data
    assert [error["pointer"] for error in answer.data["errors"]] == [
        "/components/1/meter",
        "/components/2/meter",
    ]


def document(provider: Provider, *endpoints: tuple[str, str]) -> None:
    version = ApiVersionFactory.create(api=provider.api, status="published")
    for method, path in endpoints:
        EndpointFactory.create(version=version, method=method, path=path)


CITY, CITIES, SEARCH = "GET /v1/cities/{id}", "GET /v1/cities", "GET /v1/cities/search"
IS_CITY = {"property": "endpoint", "operator": "in", "value": [CITY]}
COUNT = {"source": "calls", "property_name": "", "aggregation": "count", "group_by": []}


def document_cities(provider: Provider) -> None:
    document(
        provider,
        ("GET", "/v1/cities"),
        ("GET", "/v1/cities/{id}"),
        ("GET", "/v1/cities/search"),
        ("DELETE", "/v1/cities/{id}"),
    )


def test_a_meter_counts_calls_to_an_endpoint_as_it_was_documented(provider: Provider) -> None:
    document_cities(provider)
    made = provider.post(**COUNT, filters=[IS_CITY])
    by = [{"property": "endpoint", "values": [CITY, SEARCH]}]
    apart = provider.post(**{**COUNT, "group_by": by}, key="apart", filters=[], conversion="")
    assert (made.status_code, apart.status_code) == (201, 201), (made.data, apart.data)
    Meter.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    provider.api.versions.all().delete()  # what is documented later changes nothing
    paths = ["/v1/cities/7", "/v1/cities/search", "/v1/cities", "/v1/cities/7/streets"]
    send(
        *(call(provider.subscription, minute=n, path=path) for n, path in enumerate(paths)),
        call(provider.subscription, minute=9, path="/v1/cities/8"),
        call(provider.subscription, minute=9, path="/v1/cities/8", method="DELETE"),
    )

    rows = UsageWindow.objects.exclude(meter="calls").values_list("meter", "dimensions", "quantity")
    found = {(meter, dimensions): int(quantity) for meter, dimensions, quantity in rows}
    assert found == {
        ("tokens", ""): 2,
        ("apart", '{"endpoint":"GET /v1/cities/{id}"}'): 2,
        ("apart", '{"endpoint":"GET /v1/cities/search"}'): 1,
        ("apart", '{"endpoint":"other"}'): 3,
    }
    meter = Meter.objects.get(key="tokens")
    assert meter.endpoints == [["GET", "/v1/cities/{id}"], ["GET", "/v1/cities/search"]]
    before = list(UsageWindow.objects.order_by("pk").values_list("meter", "quantity"))
    UsageWindow.objects.update(quantity=77)
    rewound = request_rewind(
        scope=RewindScope(Period(NINE - timedelta(days=1), NINE + timedelta(days=1))),
        is_dry_run=False, reason="x", actor=SYSTEM, in_background=False,
    )  # fmt: skip
    carry_out_rewind(rewind_id=rewound.pk)
    assert list(UsageWindow.objects.order_by("pk").values_list("meter", "quantity")) == before


@pytest.mark.parametrize(
    "condition",
    [
        {"property": "endpoint", "operator": "eq", "value": "GET /v1/towns/{id}"},
        {"property": "endpoint", "operator": "in", "value": [CITY, "POST /v1/cities/{id}"]},
        {"property": "endpoint", "operator": "starts_with", "value": "GET /v1"},
        {"property": "endpoint", "operator": "exists"},
    ],
)
def test_an_unknown_endpoint_is_refused(provider: Provider, condition: dict[str, Any]) -> None:
    document_cities(provider)
    answers = [
        provider.post(**COUNT, filters=[condition]),
        provider.rest.post(
            f"{provider.url}/sample", {**TOKENS, **COUNT, "filters": [condition]}, format="json"
        ),
    ]

    for answer in answers:
        assert answer.status_code == 400, answer.data
        assert answer.data["errors"][0]["pointer"] == "/filters"
    assert not Meter.objects.exists()


def test_pages_offer_the_documented_endpoints(provider: Provider) -> None:
    document_cities(provider)
    client = client_for(provider.member)
    new = reverse("portal:provider_api_meter_create", args=[provider.api.public_id])
    fields = {
        "name": "Cities", "key": "cities", "source": "calls", "property_name": "", "aggregation": "count",
        "filters": "status lt 300", "endpoints": [CITY, CITIES], "conversion_factor": "1", "rounding": "none",
        "rounding_places": "0", "window_s": "3600", "watermark_delay_s": "60",
    }  # fmt: skip

    assert f'value="{SEARCH}"' in client.get(new).content.decode()
    assert client.post(new, {**fields, "endpoints": ["GET /x"]}).status_code == 422
    assert client.post(new, fields).status_code == 302
    meter = Meter.objects.get()
    assert meter.filters == [
        {"property": "endpoint", "operator": "in", "value": [CITIES, CITY]},
        {"property": "status", "operator": "lt", "value": "300"},
    ] or meter.filters[0]["value"] == [CITY, CITIES]
    edit = reverse("portal:provider_api_meter", args=[provider.api.public_id, meter.public_id])
    send(call(provider.subscription, path="/v1/cities"))
    UsageWindow.objects.update(meter="cities")
    provider.api.versions.all().delete()
    page = client.get(edit).content.decode()
    assert page.count("checked") == 2
    renamed = client.post(edit, {"name": "Towns", "watermark_delay_s": "0"})
    assert renamed.status_code == 302, renamed.content.decode()
    meter.refresh_from_db()
    assert (meter.name, len(meter.filters)) == ("Towns", 2)
