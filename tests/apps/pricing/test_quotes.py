"""Quotes of prices given in the question: every worked case comes back through the endpoint's own shape."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core import clock
from apps.core.actors import Actor
from apps.core.money import round_half_away
from apps.pricing import services
from apps.pricing.calculator import Step, recompute
from apps.pricing.drafts import CurrencyPrice
from apps.pricing.models import PriceVersion, TaxRate
from apps.pricing.quotable_prices import compiled_prices_of
from apps.pricing.quote_input import QuoteInput
from apps.pricing.quotes import answer_quote
from tests.apps.pricing.test_api import Connect
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.vectors import vectors

URL = "/api/v1/pricing/quote"
FREE_AND_PAID = [{"up_to": "10", "unit_price": "0"}, {"up_to": None, "unit_price": "5"}]


def asked(**question: Any) -> dict[str, Any]:
    """Answer a question that is well-formed."""
    given = QuoteInput(data={"currency": "USD", **question})
    assert given.is_valid(), given.errors
    return answer_quote(given.validated_data, actor=Actor.anonymous()).explain()


def component(**fields: Any) -> dict[str, Any]:
    return {"meter": "calls", "model": "per_unit", "unit_price": "1", **fields}


@vectors("graduated", "volume", "package", "percentage", "graduated_percentage", "per_unit")
def test_worked_cases_are_quoted(kind: str, vector: dict[str, Any]) -> None:
    given = dict(vector["input"])
    places = given.pop("rounding_places", None)
    usage: dict[str, Any] = {}
    for form, name in (("events", "event_amounts"), ("buckets", "buckets"), ("quantity", "units")):
        if name in given:
            usage[form] = given.pop(name)
    if given.get("tiers"):
        # Some cases end at a bound that their quantity may exceed; what is for sale has no end.
        given["tiers"] = [*given["tiers"][:-1], {**given["tiers"][-1], "up_to": None}]

    quote = asked(components=[{"meter": "calls", "model": kind, **given}], usage={"calls": usage})

    (line,) = quote["lines"]
    amount = Decimal(line["amount_exact"])
    shown = amount if places is None else round_half_away(amount, places)
    assert shown == Decimal(vector["expected"]["amount"])
    assert line["amount_minor"] == round_half_away(amount, 2) * 100
    assert recompute(Step.from_json(step) for step in line["steps"]) == amount


@vectors("recurring_fee_days")
def test_fees_of_part_of_a_period(kind: str, vector: dict[str, Any]) -> None:
    given = vector["input"]
    if given["trial_days"]:
        return  # a trial shortens the service; the question names the service itself
    quote = asked(
        currency=given["currency"],
        components=[{"meter": "base_fee", "model": "flat", "flat_fee": given["plan_amount"]}],
        period={
            "first_day": given["period_first_day"],
            "last_day": given["period_last_day"],
            "service_first_day": given["billed_first_day"],
            "service_last_day": given["billed_last_day"],
        },
    )

    assert quote["total_minor"] == Decimal(vector["expected"]["amount"]) * 100


def test_answer_has_the_exact_amount_beside_the_rounded_one(api_client: Connect) -> None:
    tiers = [
        {"up_to": "10", "unit_price": "10", "flat_fee": "2"},
        {"up_to": None, "unit_price": "5.0005", "flat_fee": "0"},
    ]

    answer = api_client().post(
        URL,
        {
            "currency": "USD",
            "components": [{"meter": "calls", "model": "graduated", "tiers": tiers}],
            "usage": {"calls": {"quantity": "12"}},
        },
    )

    assert answer.status_code == 200
    (line,) = answer.data["lines"]
    assert (line["amount_exact"], line["amount_minor"]) == ("112.001", 11200)
    assert [step["formula"] for step in line["steps"]] == [
        "10 × 10 + 2 = 102",
        "2 × 5.0005 = 10.001",
    ]


def test_quantities_are_converted_before_they_are_priced() -> None:
    """2 500 000 bytes are 2.5 MB, a started one counts: 3 × 0.1."""
    conversion = {"operation": "divide", "factor": "1000000", "rounding": "ceiling"}

    quote = asked(
        components=[component(meter="bytes", unit_price="0.1", conversion=conversion)],
        usage={"bytes": "2500000"},
    )

    (line,) = quote["lines"]
    assert (line["raw_quantity"], line["quantity"], line["amount_exact"]) == ("2500000", "3", "0.3")


def test_prices_by_dimension() -> None:
    """The closest fit prices a part: Europe in gold, then Europe, then anything."""
    europe, gold = {"region": "eu"}, {"region": "eu", "tier": "gold"}
    parts = [
        {"dimensions": gold, "quantity": "1"},
        {"dimensions": europe, "quantity": "10"},
        {"dimensions": {"region": "us"}, "quantity": "100"},
    ]

    quote = asked(
        components=[
            component(unit_price="1"),
            component(unit_price="2", dimensions=europe),
            component(unit_price="3", dimensions=gold),
        ],
        usage={"calls": {"parts": parts}},
    )

    assert [line["amount_exact"] for line in quote["lines"]] == ["100", "20", "3"]
    assert [line.get("dimensions") for line in quote["lines"]] == [None, europe, gold]


def test_discounts_come_before_tax() -> None:
    """100 less 10 percent less 5 is 85; 20 percent of that is 17."""
    quote = asked(
        components=[component()],
        usage={"calls": "100"},
        discounts=[{"kind": "percent", "value": "10"}, {"kind": "fixed", "value": "5"}],
        tax={"percent": "20"},
    )

    assert quote["discounts_minor"] == [1000, 500]
    assert (quote["subtotal_minor"], quote["tax_minor"], quote["total_minor"]) == (
        8500,
        1700,
        10200,
    )


@pytest.mark.django_db
def test_tax_of_an_address_is_the_countrys(api_client: Connect) -> None:
    TaxRate.objects.create(
        country="FR", name="TVA", percent=Decimal(20), valid_from=clock.now().date()
    )

    answer = api_client().post(
        URL,
        {
            "currency": "EUR",
            "components": [component()],
            "usage": {"calls": "50"},
            "tax_address": {"country": "FR"},
        },
    )

    assert (answer.data["tax_minor"], answer.data["total_minor"]) == (1000, 6000)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "QQQ"}, "/currency"),
        ({"components": [component(), component()]}, "/components/1/meter"),
        ({"components": [component(unit_price="-1")]}, "/components/0/unit_price"),
        ({"components": [component(unit_price="0.1234567890123")]}, "/components/0/unit_price"),
        ({"components": [component(unit_price="NaN")]}, "/components/0/unit_price"),
        ({"components": [component(model="magic")]}, "/components/0/model"),
        ({"components": [component(unitprice="1")]}, "/components/0/unitprice"),
        ({"components": [component(fixed_fee="1")]}, "/components/0/fixed_fee"),
        ({"components": [{"model": "per_unit"}]}, "/components/0/unit_price"),
        ({"components": [component(min_spend="2", max_spend="1")]}, "/components/0/min_spend"),
        ({"usage": {"calls": {"quantity": "1", "events": ["1"]}}}, "/usage/calls"),
        ({"usage": {"calls": "many"}}, "/usage/calls"),
        ({"plan": "pln_x"}, "/plan"),
        ({"period": {"first_day": "2026-02-01", "last_day": "2026-01-01"}}, "/period/last_day"),
    ],
)
def test_bad_questions_name_the_field(
    change: dict[str, Any], pointer: str, api_client: Connect
) -> None:
    body = {"currency": "USD", "components": [component()], "usage": {"calls": "1"}, **change}

    answer = api_client().post(URL, body)

    assert answer.status_code in {400, 422}
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("bounds", "pointer"),
    [
        (["10", "5", None], "tiers/1/up_to"),
        (["10", "10", None], "tiers/1/up_to"),
        (["10", "20"], "tiers/1/up_to"),
        (["10", None, "20", None], "tiers/1/up_to"),
    ],
)
def test_ladders_rise_and_end_in_the_open(
    bounds: list[str | None], pointer: str, api_client: Connect
) -> None:
    tiers = [{"up_to": bound, "unit_price": "1"} for bound in bounds]
    body = {"currency": "USD", "components": [{"model": "graduated", "tiers": tiers}]}

    answer = api_client().post(URL, body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_price")
    assert f"/components/0/{pointer}" in [error["pointer"] for error in answer.json()["errors"]]


def test_command_prices_a_file(tmp_path: Path) -> None:
    file, out = tmp_path / "question.json", io.StringIO()
    components = [{"model": "graduated", "tiers": FREE_AND_PAID}]
    file.write_text(
        json.dumps({"currency": "USD", "components": components, "usage": {"calls": "12"}})
    )

    call_command("quote", str(file), stdout=out)

    assert "2 × 5 = 10" in out.getvalue()
    assert "$10.00" in out.getvalue()


def test_command_says_which_field_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text(json.dumps({"currency": "USD", "components": [{"model": "package"}]}))

    with pytest.raises(CommandError, match="/components/0/package_price: "):
        call_command("quote", str(file))


EURO = CurrencyPrice("EUR", (replace(make_price().components[0], flat_fee=Decimal(8)),))


@pytest.mark.django_db
def test_plan_is_quoted_in_each_of_its_currencies(api_client: Connect) -> None:
    fee = make_price().components[:1]
    plan = make_plan(price=make_price(components=fee, other_prices=(EURO,)))

    told = [
        api_client().post(URL, {"plan": plan.public_id, **asked_for}).json()
        for asked_for in ({}, {"currency": "USD"}, {"currency": "EUR"})
    ]

    assert [(answer["currency"], answer["total_minor"]) for answer in told] == [
        ("USD", 900),
        ("USD", 900),
        ("EUR", 800),
    ]


@pytest.mark.django_db
def test_units_multiply_fees_and_free_calls(api_client: Connect) -> None:
    """Three units: 27 of fees, 3 000 calls free; then 9 000 more at 0.002."""
    plan = make_plan(max_quantity=3)

    answer = api_client().post(
        URL, {"plan": plan.public_id, "quantity": 3, "usage": {"calls": "12000"}}
    )

    assert [line["amount_minor"] for line in answer.json()["lines"]] == [2700, 1800]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked_for", "status", "code", "pointer"),
    [
        ({"currency": "EUR"}, 422, "currency_not_offered", "/currency"),
        ({"currency": "QQQ"}, 400, "validation_error", "/currency"),
        ({"quantity": 2}, 422, "quantity_not_offered", "/quantity"),
        ({"quantity": 0}, 400, "validation_error", "/quantity"),
    ],
)
def test_what_a_plan_is_not_sold_in_is_refused_at_its_field(
    asked_for: dict[str, Any], status: int, code: str, pointer: str, api_client: Connect
) -> None:
    answer = api_client().post(URL, {"plan": make_plan().public_id, **asked_for})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.django_db
def test_published_price_is_read_once(api_client: Connect, django_assert_num_queries: Any) -> None:
    question = {"plan": make_plan().public_id, "usage": {"calls": "12000"}}
    first = api_client().post(URL, question).json()

    with django_assert_num_queries(1):
        second = api_client().post(URL, question).json()

    assert second == first


@pytest.mark.django_db
def test_new_price_is_quoted_from_its_publication_on(api_client: Connect) -> None:
    plan = make_plan()
    question = {"plan": plan.public_id}
    assert api_client().post(URL, question).json()["total_minor"] == 900
    dearer = replace(make_price().components[0], flat_fee=Decimal(11))
    version = services.add_price_version(
        plan=plan, draft=make_price(components=(dearer,)), actor=SYSTEM
    )

    before = api_client().post(URL, question).json()["total_minor"]
    draft = compiled_prices_of(version)
    services.publish_version(version=version, actor=SYSTEM)

    assert (before, api_client().post(URL, question).json()["total_minor"]) == (900, 1100)
    assert draft == compiled_prices_of(PriceVersion.objects.get(pk=version.pk))


def test_refusals_are_in_the_language_of_each_request(api_client: Connect) -> None:
    """The shape of a question is kept by each thread; its words are not."""
    body = {"currency": "USD", "components": [component(flat_fee="-1")]}

    def detail(language: str) -> str:
        answer = api_client().post(URL, body, headers={"Accept-Language": language})
        return str(answer.json()["errors"][0]["detail"])

    english, spanish = detail("en"), detail("es")
    assert english == detail("en") != spanish == detail("es")


@pytest.mark.parametrize("body", [[], "text", 3, None])
def test_question_is_an_object(body: Any, api_client: Connect) -> None:
    answer = api_client().post(URL, json.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
