"""Finding listings: filters and their counts, orders, mistyped words, and what never leaks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.apis.models import Api, Category, SearchWord
from apps.apis.selectors import (
    Criteria,
    list_featured,
    matching,
    parse_criteria,
    renew_shelves,
    search,
    search_catalogue,
    shelves,
)
from apps.apis.selectors.spelling import distance
from apps.apis.services import (
    feature_api,
    rebuild_vocabulary,
    set_listing_facts,
    suspend_api,
    update_api,
)
from apps.core.exceptions import InvalidInput, RuleViolated
from tests.clients import client_for
from tests.factories.accounts import make_staff
from tests.factories.apis import PROVIDER, CategoryFactory, make_api

pytestmark = pytest.mark.django_db

URL = "/api/v1/marketplace/apis"


def listing(name: str, category: Category | None = None, **facts: Any) -> Api:
    api = make_api("active", name=name, category=category or CategoryFactory(), tags=[name[:3]])
    set_listing_facts(api_id=api.pk, **facts)
    return api


def names(query: str) -> list[str]:
    answer = APIClient().get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["data"]]


@pytest.fixture
def shop() -> Category:
    sea = CategoryFactory(slug="sea")
    listing("Tides", sea, rating_average=Decimal("4.6"), rating_count=3, latency_p50_ms=40,
            price_models=["flat"], price_from=Decimal(9), calls_7d=5, trend=Decimal(2))  # fmt: skip
    listing("Waves", sea, rating_average=Decimal("3.2"), rating_count=9, latency_p50_ms=100,
            price_models=["per_unit"], has_free_tier=True, price_from=Decimal(0), calls_7d=50)  # fmt: skip
    listing("Rates", CategoryFactory(slug="money"), price_models=["flat", "per_unit"], price_from=Decimal(1),
            latency_p50_ms=101, has_free_tier=True, trend=Decimal(5))  # fmt: skip
    return sea


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("free=true", {"Waves", "Rates"}),
        ("free=true&category=sea", {"Waves"}),
        ("price_model=flat", {"Tides", "Rates"}),
        ("rating=4.5", {"Tides"}),
        ("rating=3", {"Tides", "Waves"}),
        ("latency=100", {"Tides", "Waves"}),
        ("latency=50&free=true", set()),
        ("tag=wav", {"Waves"}),
        ("tag=wav&rating=4", set()),
        ("q=forecast&free=true", {"Waves", "Rates"}),
        ("q=tid&price_model=flat&rating=4&latency=50&category=sea", {"Tides"}),
        ("category=&tag=&q=", {"Tides", "Waves", "Rates"}),
    ],
)
@pytest.mark.usefixtures("shop")
def test_filters_combine(query: str, expected: set[str]) -> None:
    assert set(names(query)) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("newest", ["Rates", "Waves", "Tides"]),
        ("popular", ["Waves", "Tides", "Rates"]),
        ("trending", ["Rates", "Tides", "Waves"]),
        ("rating", ["Tides", "Waves", "Rates"]),
        ("latency", ["Tides", "Waves", "Rates"]),
        ("price", ["Waves", "Rates", "Tides"]),
    ],
)
@pytest.mark.parametrize("words", ["", "q=forecasts&"])
@pytest.mark.usefixtures("shop")
def test_orders(sort: str, expected: list[str], words: str) -> None:
    assert names(f"{words}sort={sort}") == expected


@pytest.mark.parametrize("text", ["", "forecasts"])
def test_facets_count_what_the_other_filters_leave(shop: Category, text: str) -> None:
    facets = search_catalogue(Criteria(text=text, category=shop, is_free=True)).facets

    money = Category.objects.get(slug="money")
    assert facets.total == 1
    assert (facets.categories[shop.pk], facets.categories[money.pk]) == (1, 1)
    assert facets.free == 1
    assert (facets.price_models["flat"], facets.price_models["per_unit"]) == (0, 1)
    assert (facets.at_least_rated(1), facets.at_least_rated(4)) == (1, 0)
    assert (facets.at_most_slow(0), facets.at_most_slow(1)) == (0, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "best"),
        ("rating", "4.2"),
        ("latency", "fast"),
        ("price_model", "gift"),
        ("free", "1"),
    ],
)
def test_unknown_values_are_refused_by_name(name: str, value: str) -> None:
    answer = APIClient().get(f"{URL}?{name}={value}")

    assert answer.status_code == 400
    assert name in answer.content.decode()
    with pytest.raises(InvalidInput):
        parse_criteria({name: value})


@pytest.mark.parametrize("typed", ["wether", "waether", "weahter", "weatherr", "weqther"])
def test_a_mistyped_word_is_replaced_by_the_nearest(typed: str) -> None:
    make_api("active", name="Weather")

    body = APIClient().get(f"{URL}?q={typed}").json()

    assert [row["name"] for row in body["data"]] == ["Weather"]
    assert body["searched"] == "weather"


def test_words_that_match_are_kept_beside_a_corrected_one() -> None:
    make_api("active", name="Hourly weather")

    assert search_catalogue(Criteria(text="hour wether")).corrected == "hour weather"
    assert search_catalogue(Criteria(text="hour weather")).corrected == ""
    assert search_catalogue(Criteria(text="zzz wether")).corrected == ""


def test_accents_need_not_be_typed() -> None:
    make_api("active", name="Météo")

    assert names("q=meteo") == names("q=météo") == ["Météo"]


@pytest.mark.parametrize("visibility", ["private", "unlisted"])
def test_words_of_hidden_apis_are_never_suggested(visibility: str) -> None:
    make_api("active", name="Zeppelin", visibility=visibility)
    make_api("draft", name="Zeppelin two")
    rebuild_vocabulary()

    assert not SearchWord.objects.filter(word="zeppelin").exists()
    assert APIClient().get(f"{URL}?q=zepelin").json()["searched"] is None


def test_words_are_forgotten_at_once_when_an_api_leaves() -> None:
    api = make_api("active", name="Zeppelin")
    assert search_catalogue(Criteria(text="zepelin")).corrected == "zeppelin"

    suspend_api(api=api, actor=PROVIDER, reason="maintenance")

    assert search_catalogue(Criteria(text="zepelin")).corrected == ""
    rebuild_vocabulary()
    assert not SearchWord.objects.filter(word="zeppelin").exists()


def test_counts_follow_an_api_that_hides_itself() -> None:
    category = CategoryFactory(slug="counted")
    api = make_api("active", category=category)
    categories = "/api/v1/marketplace/categories"

    def count() -> int:
        rows = APIClient().get(categories).json()["data"]
        return int({row["slug"]: row["api_count"] for row in rows}["counted"])

    assert count() == 1
    update_api(api=api, fields={"visibility": "unlisted"}, actor=PROVIDER)
    assert count() == 0


def test_facts_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TypeError, match="stars"):
        set_listing_facts(api_id=make_api().pk, stars=5)


def test_only_listed_apis_are_featured() -> None:
    shown, hidden = make_api("active"), make_api("active", visibility="private")

    feature_api(api=shown, position=1, actor=PROVIDER)
    with pytest.raises(RuleViolated):
        feature_api(api=hidden, position=2, actor=PROVIDER)

    assert [row.pk for row in list_featured(5)] == [shown.pk]
    suspend_api(api=shown, actor=PROVIDER, reason="maintenance")
    assert list_featured(5) == []


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("abc", "xbc", 1),
        ("abcd", "xyzd", 3),
    ],
)
def test_distance(one: str, other: str, edits: int) -> None:
    assert distance(one, other, 2) == min(edits, 3)


def test_operators_feature_apis_in_the_back_office() -> None:
    first, second = make_api("active"), make_api("active")
    client = client_for(make_staff("operator"))

    def act(action: str, *apis: Api) -> None:
        chosen = {"action": action, "_selected_action": [str(api.pk) for api in apis]}
        assert client.post("/backoffice/apis/api/", chosen).status_code == 302

    act("feature", first)
    act("feature", second)
    assert [row.pk for row in list_featured(5)] == [first.pk, second.pk]
    act("unfeature", first)
    assert [row.pk for row in list_featured(5)] == [second.pk]


@pytest.mark.parametrize("query", ["q=forecast", "q=forecast&sort=price", "q=forecast&free=true"])
def test_every_one_of_very_many_matches_can_be_reached(
    monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(matching, "MAX_MATCHES", 3)
    monkeypatch.setattr(search, "MAX_MATCHES", 3)
    monkeypatch.setattr(search, "LOOK_AHEAD", 1)
    monkeypatch.setattr(matching, "MOST_USED", 4)
    for number in range(9):
        listing(f"Forecast {number}", calls_7d=number, price_from=number, has_free_tier=True)

    seen: list[str] = []
    totals: list[tuple[int, bool]] = []
    address = f"{URL}?{query}&limit=2"
    while address:
        body = APIClient().get(address).json()
        seen += [row["name"] for row in body["data"]]
        totals.append((body["total"], body["is_capped"]))
        address = body["next"]

    assert sorted(seen) == [f"Forecast {number}" for number in range(9)]
    assert totals[0] == (3, True)
    assert totals[-1] == (9, False)
    if "price" not in query:
        assert set(seen[:4]) == {f"Forecast {number}" for number in range(5, 9)}


def test_of_many_matches_the_unfiltered_facets_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAX_MATCHES", 2)
    for number in range(3):
        listing(f"Forecast {number}", has_free_tier=number == 0, price_models=["flat"])

    results = search_catalogue(Criteria(text="forecast", is_free=True))

    assert len(results) == 1
    assert results.counted == {"category", "price_model", "rating", "latency", "tag"}
    assert results.facets.price_models["flat"] == 1
    assert results.facets.free == 1


def test_tags_are_counted_under_several_filters(shop: Category) -> None:
    def tags(**filters: Any) -> dict[str, int]:
        return dict(search_catalogue(Criteria(**filters)).facets.tags)

    assert tags() == {"rat": 1, "tid": 1, "wav": 1}
    assert tags(category=shop, is_free=True) == {"wav": 1}
    assert tags(category=shop, is_free=True, tag="tid") == {"wav": 1}
    assert tags(text="forecast", price_model="flat") == {"rat": 1, "tid": 1}


def test_a_long_count_is_left_to_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    category = listing("Tides").category
    assert search_catalogue().facets.categories[category.pk] == 1
    monkeypatch.setattr(shelves, "MANY", 0)

    listing("Waves", category)

    assert search_catalogue().facets.categories[category.pk] == 1
    assert renew_shelves()
    assert not renew_shelves()
    assert search_catalogue().facets.categories[category.pk] == 2


@pytest.mark.parametrize("cap", [500, 1])
@pytest.mark.parametrize("words", ["", "q=forecast&"])
@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("", ["Ten dollars", "Twenty dollars", "One euro", "Free of plans"]),
        ("currency=eur", ["One euro", "Ten dollars", "Twenty dollars", "Free of plans"]),
        ("currency=JPY", ["Ten dollars", "Twenty dollars", "One euro", "Free of plans"]),
    ],
)
def test_prices_are_compared_within_one_currency(
    monkeypatch: pytest.MonkeyPatch, currency: str, expected: list[str], words: str, cap: int
) -> None:
    monkeypatch.setattr(matching, "MAX_MATCHES", cap)
    monkeypatch.setattr(search, "MAX_MATCHES", cap)
    listing("Free of plans")
    listing("One euro", price_from=Decimal(1), price_currency="EUR")
    listing("Twenty dollars", price_from=Decimal(20), price_currency="USD")
    listing("Ten dollars", price_from=Decimal(10), price_currency="USD")

    query = f"{words}sort=price&{currency}"
    assert names(query) == expected
    pages = [APIClient().get(f"{URL}?{query}&limit=3").json()]
    pages.append(APIClient().get(pages[0]["next"]).json())
    assert [row["name"] for page in pages for row in page["data"]] == expected


def test_a_currency_that_is_none_is_refused() -> None:
    answer = APIClient().get(f"{URL}?sort=price&currency=dollars")

    assert answer.status_code == 400
    assert "currency" in answer.content.decode()
