"""The catalogue's files: what they mean, and what a bad one is told, line by line. Nothing here needs a database."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from jsonschema import Draft202012Validator

from apps.pricing.catalogue.compiling import CatalogueSettings, price_of
from apps.pricing.catalogue.content import CatalogueContent, plain, read_catalogue
from apps.pricing.catalogue.differences import differences
from apps.pricing.catalogue.schema import catalogue_schema
from apps.pricing.drafts import table_of
from apps.pricing.enums import Alignment, BillingInterval, QuotaKind
from apps.pricing.exceptions import CatalogueInvalid
from apps.pricing.quotes import quote_usage
from deploy.local.state import PROJECT

EXAMPLE = PROJECT / "docs" / "domain" / "pricing-catalogue.example.yaml"
SCHEMA = PROJECT / "docs" / "api" / "pricing-catalogue.schema.json"

HEAD = "pricing_models:\n  - {id: a, name: A, billing_cycle: monthly, "
TIERS = HEAD + "type: usage_based, tiers: ["


def example() -> CatalogueContent:
    return read_catalogue({EXAMPLE.name: EXAMPLE.read_bytes()})


def cost(content: CatalogueContent, key: str, **usage: int) -> str:
    draft = price_of(content.models[key].definition, CatalogueSettings.of(content.settings))
    quantities = {meter: Decimal(quantity) for meter, quantity in usage.items()}
    return str(quote_usage(table_of(draft), quantities).total)


def problems_of(**files: str) -> list[dict[str, Any]]:
    with pytest.raises(CatalogueInvalid) as refused:
        read_catalogue({f"{name}.yaml": text.encode() for name, text in files.items()})
    found: list[dict[str, Any]] = refused.value.extra["errors"]
    return found


@pytest.mark.parametrize(
    ("key", "usage", "total"),
    [
        ("pay-as-you-go", {"calls": 5_000}, "9.20 USD"),
        ("pay-as-you-go", {"calls": 15_000}, "40.70 USD"),  # the limit is cumulative
        ("flat-99", {"calls": 120_000, "gigabytes": 510}, "129.99 USD"),
        ("flat-99", {"calls": 100_000, "gigabytes": 500}, "99.99 USD"),
        ("free-start", {"calls": 1_050}, "0.00 USD"),
        ("free-start", {"calls": 1_051}, "0.00 USD"),
        ("free-start", {"calls": 2_050}, "2.00 USD"),
        ("base-and-usage", {"calls": 120_000}, "490.00 EUR"),
        ("base-and-usage", {"calls": 1_120_000}, "4490.00 EUR"),
        ("base-and-usage", {"calls": 1_120_001}, "2490.00 EUR"),
        ("exact-form", {"calls": 2_001}, "9.00 USD"),
    ],
)
def test_the_example_of_the_documentation_prices_each_type(
    key: str, usage: dict[str, int], total: str
) -> None:
    assert cost(example(), key, **usage) == total


def test_terms_of_a_model_become_terms_of_the_price() -> None:
    content = example()
    rules = CatalogueSettings.of(content.settings)
    free = price_of(content.models["free-start"].definition, rules)
    yearly = price_of(content.models["base-and-usage"].definition, rules)
    exact = price_of(content.models["exact-form"].definition, rules)

    assert (free.quota_calls, free.quota_kind) == (20_000, QuotaKind.SOFT)
    assert free.rate_per_minute == 60
    assert (yearly.interval, yearly.currency) == (BillingInterval.YEAR, "EUR")
    assert (exact.interval, exact.alignment) == (BillingInterval.QUARTER, Alignment.CALENDAR)
    assert content.models["flat-99"].line == 20


def test_what_is_included_without_overage_is_a_hard_quota() -> None:
    text = HEAD + "type: freemium, included_usage: 1000}\n"
    content = read_catalogue({"a.yaml": text.encode()})
    draft = price_of(content.models["a"].definition, CatalogueSettings())

    assert (draft.quota_calls, draft.quota_kind) == (1000, QuotaKind.HARD)


def test_numbers_keep_every_digit_and_words_stay_words() -> None:
    text = HEAD + "type: subscription, base_price: 0.100000000001, description: no}\n"
    definition = plain(read_catalogue({"a.yaml": text.encode()}).models["a"].definition)

    assert definition["base_price"] == "0.100000000001"
    assert definition["description"] == "no"


@pytest.mark.parametrize(
    ("text", "line", "pointer", "code"),
    [
        (
            TIERS + "{limit: 20, price_per_unit: 1},\n  {limit: 10, price_per_unit: 1},\n"
            "  {limit: null, price_per_unit: 1}]}\n",
            3,
            "/pricing_models/0/tiers/1/limit",
            "not_rising",
        ),
        (
            TIERS + "{limit: 10, price_per_unit: 1},\n  {limit: 10, price_per_unit: 1},\n"
            "  {limit: null, price_per_unit: 1}]}\n",
            3,
            "/pricing_models/0/tiers/1/limit",
            "not_rising",
        ),
        (
            TIERS + "\n  {limit: 10, price_per_unit: 1}]}\n",
            3,
            "/pricing_models/0/tiers/0/limit",
            "not_open",
        ),
        (
            TIERS + "\n  {limit: null, price_per_unit: -1}]}\n",
            3,
            "/pricing_models/0/tiers/0/price_per_unit",
            "out_of_range",
        ),
        (
            TIERS + "\n  {limit: null, price_per_unit: '-1'}]}\n",
            3,
            "/pricing_models/0/tiers/0/price_per_unit",
            "out_of_range",
        ),
        (
            TIERS + "\n  {limit: null, price_per_unit: 0.1234567890123}]}\n",
            3,
            "/pricing_models/0/tiers/0/price_per_unit",
            "too_many_decimals",
        ),
        (
            "settings: {max_decimals: 2}\n"
            + TIERS
            + "\n  {limit: null, price_per_unit: 0.001}]}\n",
            4,
            "/pricing_models/0/tiers/0/price_per_unit",
            "too_many_decimals",
        ),
        (
            HEAD + "type: subscription, base_price: 1,\n   currency: XYZ}\n",
            3,
            "/pricing_models/0/currency",
            "unknown_currency",
        ),
        (
            "settings: {currencies: [EUR]}\n" + HEAD + "type: subscription,\n base_price: 1,\n"
            "   currency: USD}\n",
            5,
            "/pricing_models/0/currency",
            "unknown_currency",
        ),
        (
            HEAD + "type: usage_based, components: [\n"
            "   {meter: calls, name: A, model: per_unit, unit_price: 1},\n"
            "   {meter: calls, name: B, model: per_unit, unit_price: 1}]}\n",
            4,
            "/pricing_models/0/components/1/meter",
            "duplicate",
        ),
        (
            TIERS + "{limit: null, price_per_unit: 1}],\n overage: {price_per_unit: 1}}\n",
            3,
            "/pricing_models/0/overage/price_per_unit",
            "duplicate",
        ),
        (HEAD + "type: usage_based}\n", 2, "/pricing_models/0", "required"),
        (HEAD + "type: subscription}\n", 2, "/pricing_models/0", "required"),
        (HEAD + "type: freemium}\n", 2, "/pricing_models/0", "required"),
        (HEAD + "type: metered}\n", 2, "/pricing_models/0/type", "unknown_value"),
        ("pricing_models: 3\n", 1, "/pricing_models", "wrong_type"),
        (
            "promotions:\n  - {id: a, name: A, kind: percentage, code: AUTUMN,\n     percent_off: 150}\n",
            3,
            "/promotions/0/percent_off",
            "out_of_range",
        ),
        (
            (
                "promotions:\n  - {id: a, name: A, kind: free_periods, code: AUTUMN,\n"
                "     starts_at: 2026-02-30}\n"
            ),
            3,
            "/promotions/0/starts_at",
            "invalid",
        ),
        (
            (
                "promotions:\n  - {id: a, name: A, kind: free_periods, code: AUTUMN,\n"
                "     starts_at: tomorrow}\n"
            ),
            3,
            "/promotions/0/starts_at",
            "invalid",
        ),
        ("a: [1\n", 2, "", "not_yaml"),
        ("a: !!python/object:os.system x\n", 1, "", "tag"),
        ("[" * 200, 1, "", "too_deep"),
        ("settings: {}\nsettings: {}\n", 2, "/settings", "duplicate_key"),
        ("&a [*a]", 1, "", "too_deep"),
    ],
)
def test_a_bad_file_is_told_the_line_and_the_reason(
    text: str, line: int, pointer: str, code: str
) -> None:
    found = problems_of(a=text)

    assert [(p["file"], p["line"], p["pointer"], p["code"]) for p in found] == [
        ("a.yaml", line, pointer, code)
    ]
    assert found[0]["detail"]


def test_an_unknown_key_is_answered_with_the_one_that_was_meant() -> None:
    (found,) = problems_of(a=HEAD + "type: subscription, base_price: 1,\n   trail_days: 3}\n")

    assert (found["line"], found["code"]) == (3, "unknown_key")
    assert "“trial_days”" in found["detail"]


def test_a_small_file_that_stands_for_billions_of_values_is_refused() -> None:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (found,) = problems_of(a="\n".join(rows))

    assert found["code"] == "too_many_values"


def test_an_id_and_a_setting_stand_once_in_all_files() -> None:
    text = "settings: {max_decimals: 2}\n" + HEAD + "type: subscription, base_price: 1}\n"
    found = problems_of(a=text, b="\nsettings: {max_decimals: 3}\n")

    assert [(p["file"], p["line"], p["code"]) for p in found] == [("b.yaml", 2, "duplicate")]
    assert "a.yaml" in found[0]["detail"]
    found = problems_of(a=text, b=text.partition("\n")[2])
    assert [(p["file"], p["line"], p["pointer"]) for p in found] == [
        ("b.yaml", 2, "/pricing_models/0/id")
    ]


def test_the_published_schema_is_the_one_that_files_are_checked_with() -> None:
    schema = catalogue_schema()
    Draft202012Validator.check_schema(schema)

    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema


def test_differences_name_what_was_added_removed_and_changed() -> None:
    before = {"models": {"a": {"base_price": 1, "tiers": [{"limit": 1}, {"limit": 2}]}, "b": {}}}
    after = {"models": {"a": {"base_price": 2, "tiers": [{"limit": 1}]}, "c": {}}}

    assert [(d.kind, d.pointer) for d in differences(before, after)] == [
        ("changed", "/models/a/base_price"),
        ("removed", "/models/a/tiers/1"),
        ("removed", "/models/b"),
        ("added", "/models/c"),
    ]


def test_the_command_checks_without_a_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_pricing", str(EXAMPLE), "--check")
    assert "good, 5 pricing models" in capsys.readouterr().out

    bad = tmp_path / "bad.yaml"
    bad.write_text(HEAD + "type: subscription}\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"bad.yaml:2:5: The type subscription needs"):
        call_command("load_pricing", str(bad), "--check")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("load_pricing", str(tmp_path / "none.yaml"), "--check")
