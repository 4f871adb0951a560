"""The catalogue over REST: what anyone reads, what operators change, and plans from models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.pricing import services
from apps.pricing.catalogue.schema import catalogue_schema
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision, Plan
from tests.apps.pricing.test_catalogue import SYSTEM, load, model, write
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db

MODELS = "/api/v1/admin/pricing/models"
CATALOGUE = "/api/v1/admin/pricing/catalogue"


@pytest.fixture
def operator() -> User:
    return make_staff("operator")


def test_an_operator_creates_edits_and_switches_off_a_model(operator: User) -> None:
    client = api_client(operator)
    made = client.post(MODELS, model(price="0.1"), format="json")
    assert made.status_code == 201
    assert made.json()["owner"] == "manual"
    assert [row["id"] for row in api_client().get("/api/v1/pricing/models").json()["data"]] == [
        "basic"
    ]

    body = {**model(), "base_price": 0.3}  # a float of JSON keeps the digits that were written
    edited = client.put(f"{MODELS}/basic", body, format="json")
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    assert edited.json()["definition"]["base_price"] == "0.3"
    versions = client.get(f"{MODELS}/basic/versions").json()["data"]
    assert [(row["number"], row["definition"]["base_price"]) for row in versions] == [
        (2, "0.3"),
        (1, "0.1"),
    ]

    assert client.post(f"{MODELS}/basic/deactivate").json()["is_active"] is False
    assert api_client().get("/api/v1/pricing/models").json()["data"] == []
    assert api_client().get("/api/v1/pricing/models/basic").status_code == 404
    assert client.post(f"{MODELS}/basic/activate").json()["is_active"] is True
    assert api_client().get("/api/v1/pricing/models/basic").json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (model(price="-1"), "/base_price", "out_of_range"),
        ({**model(), "base_price": 1e400}, "/base_price", "out_of_range"),
        ({**model(), "base_prise": 1}, "/base_prise", "unknown_key"),
        ({**model(), "currency": "XYZ"}, "/currency", "unknown_currency"),
        ([1], "", "wrong_type"),
    ],
)
def test_a_bad_model_is_answered_with_the_place(
    operator: User, body: Any, pointer: str, code: str
) -> None:
    if isinstance(body, dict) and body["base_price"] == 1e400:
        answer = api_client(operator).post(
            MODELS,
            '{"id":"a","name":"A","type":"subscription","billing_cycle":"monthly",'
            '"base_price":1e400}',
            content_type="application/json",
        )
    else:
        answer = api_client(operator).post(MODELS, body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (422, "pricing_model_invalid")
    assert [(row["pointer"], row["code"]) for row in answer.json()["errors"]] == [(pointer, code)]
    assert not CatalogueModel.objects.exists()


def test_a_reload_applies_the_files_or_says_which_line_is_wrong(
    operator: User, tmp_path: Path, settings: Any
) -> None:
    client = api_client(operator)
    assert client.post(f"{CATALOGUE}/reload").json()["code"] == "catalogue_unreadable"
    path = write(tmp_path / "prices.yaml", model())
    settings.PRICING_CATALOGUE = str(path)
    done = client.post(f"{CATALOGUE}/reload").json()
    assert (done["outcome"], done["revision"]) == ("applied", 1)

    write(path, model(), model("plus", "-1"))
    refused = client.post(f"{CATALOGUE}/reload")
    assert (refused.status_code, refused.json()["code"]) == (422, "catalogue_invalid")
    assert refused.json()["errors"][0]["line"] == 3
    state = client.get(CATALOGUE).json()
    assert (state["is_refused"], state["revision"]["number"]) == (True, 1)
    assert state["last_load"]["problems"][0]["pointer"] == "/pricing_models/1/base_price"
    owned = client.put(f"{MODELS}/basic", model(price="1"), format="json")
    assert (owned.status_code, owned.json()["code"], owned.json()["file"]) == (
        409,
        "owned_by_file",
        "prices.yaml",
    )
    assert client.post(f"{MODELS}/basic/deactivate").status_code == 409


def test_revisions_are_read_compared_and_rolled_back(operator: User, tmp_path: Path) -> None:
    client = api_client(operator)
    load(write(tmp_path / "prices.yaml", model()))
    load(write(tmp_path / "prices.yaml", model(price="12"), model("plus")))

    changed = client.get(f"{CATALOGUE}/revisions/2/differences").json()["data"]
    assert [(row["kind"], row["pointer"]) for row in changed] == [
        ("changed", "/models/basic/definition/base_price"),
        ("added", "/models/plus"),
    ]
    back = client.get(f"{CATALOGUE}/revisions/1/differences?against=2").json()["data"]
    assert [row["kind"] for row in back] == ["changed", "removed"]
    assert client.get(f"{CATALOGUE}/revisions/1/differences?against=x").status_code == 404
    assert "base_price: 10" in client.get(f"{CATALOGUE}/revisions/1").json()["files"]["prices.yaml"]

    assert client.post(f"{CATALOGUE}/revisions/1/rollback", {}, format="json").status_code == 400
    rolled = client.post(f"{CATALOGUE}/revisions/1/rollback", {"reason": "too dear"}, format="json")
    assert (rolled.status_code, rolled.json()["number"], rolled.json()["restored"]) == (201, 3, 1)
    assert [r["number"] for r in client.get(f"{CATALOGUE}/revisions").json()["data"]] == [3, 2, 1]
    assert client.get(f"{CATALOGUE}/revisions/9").status_code == 404


def test_a_provider_makes_a_plan_from_a_model_and_lets_it_follow() -> None:
    terms: dict[str, Any] = {
        "trial_days": 7,
        "term_periods": 12,
        "max_quantity": 5,
        "refund_policy": "none",
    }
    services.create_pricing_model(definition=model(**terms), actor=SYSTEM)
    with transaction.atomic():
        api = make_api()
    client = api_client(make_member("developer", api.organization))
    body = {"api": api.public_id, "model": "basic", "name": "Mine", "follow": True}

    made = client.post("/api/v1/provider/plans/from-model", body, format="json")

    assert made.status_code == 201
    assert made.json()["name"] == "Mine"
    assert {name: made.json()[name] for name in terms} == terms
    assert made.json()["follows"] == "basic"
    plan = Plan.objects.get()
    assert (plan.follows or CatalogueModel()).key == "basic"
    url = f"/api/v1/provider/plans/{plan.public_id}/follow"
    assert client.put(url, {"model": None}, format="json").status_code == 200
    assert client.put(url, {"model": "none"}, format="json").status_code == 404
    stranger = api_client(make_member(role="owner"))
    assert stranger.put(url, {"model": "basic"}, format="json").status_code == 404
    assert (
        stranger.post("/api/v1/provider/plans/from-model", body, format="json").status_code == 404
    )
    plan.refresh_from_db()
    assert plan.follows is None
    assert Plan.objects.count() == 1


def test_the_schema_is_public() -> None:
    assert api_client().get("/api/v1/pricing/catalogue/schema").json() == catalogue_schema()


@pytest.mark.parametrize("count", [1, 3])
def test_lists_take_the_same_number_of_queries(
    operator: User, count: int, django_assert_num_queries: DjangoAssertNumQueries, tmp_path: Path
) -> None:
    for number in range(count):
        load(write(tmp_path / "prices.yaml", *(model(f"m{n}") for n in range(number + 1))))
    assert CatalogueLoad.objects.count() == count
    client = api_client(operator)
    with django_assert_num_queries(1):
        assert len(api_client().get("/api/v1/pricing/models").json()["data"]) == count
    for path in (MODELS, f"{CATALOGUE}/loads", f"{CATALOGUE}/revisions"):
        with django_assert_num_queries(1):
            assert len(client.get(path).json()["data"]) == count


def test_the_back_office_writes_models_and_goes_back(operator: User, tmp_path: Path) -> None:
    client = client_for(operator)
    add = reverse("admin:pricing_cataloguemodel_add")
    good = "id: basic\nname: Basic\ntype: subscription\nbilling_cycle: monthly\nbase_price: 0.10\n"
    refused = client.post(add, {"text": good.replace("0.10", "-1")})
    assert refused.status_code == 422
    assert "Line 5: Choose a number that is not negative." in refused.content.decode()
    assert "Line 2" in client.post(add, {"text": "id: a\nid: b\n"}).content.decode()

    page = client.post(add, {"text": good}, follow=True)
    assert "Version 1, since revision 1" in page.content.decode()
    row = CatalogueModel.objects.get()
    change = reverse("admin:pricing_cataloguemodel_change", args=[row.pk])
    client.post(change, {"text": good.replace("0.10", "0.25")})
    assert row.versions.count() == 2
    lists = reverse("admin:pricing_cataloguemodel_changelist")
    client.post(lists, {"action": "deactivate", "_selected_action": [str(row.pk)]})
    row.refresh_from_db()
    assert not row.is_active

    first = CatalogueRevision.objects.get(number=1)
    revision = reverse("admin:pricing_cataloguerevision_change", args=[first.pk])
    assert client.post(revision, {"reason": ""}).status_code == 422
    client.post(revision, {"reason": "too dear"})
    row.refresh_from_db()
    assert (row.is_active, row.versions.count()) == (True, 3)
    finance = client_for(make_staff("finance"))
    assert finance.get(revision).status_code == 200
    assert finance.post(revision, {"reason": "x"}).status_code == 403
    assert finance.get(add).status_code == 403


def test_the_back_office_reloads_and_shows_what_is_wrong(
    operator: User, tmp_path: Path, settings: Any
) -> None:
    client = client_for(operator)
    settings.PRICING_CATALOGUE = str(write(tmp_path / "prices.yaml", model()))
    reload = reverse("admin:pricing_catalogue_reload")
    assert "Revision 1 is in force" in client.post(reload, follow=True).content.decode()
    row = CatalogueModel.objects.get()
    shown = client.get(reverse("admin:pricing_cataloguemodel_change", args=[row.pk]))
    assert "change it there" in shown.content.decode()
    assert "<textarea" not in shown.content.decode()

    write(tmp_path / "prices.yaml", model(price="-1"))
    page = client.post(reload, follow=True).content.decode()
    assert "Line 2 of prices.yaml: Choose a number that is not negative." in page
    assert "The files cannot be applied" in page
    failed = CatalogueLoad.objects.all()[0]
    problems = client.get(reverse("admin:pricing_catalogueload_change", args=[failed.pk]))
    assert "/pricing_models/0/base_price" in problems.content.decode()
    assert "Pricing catalogue refused" in client.get("/backoffice/").content.decode()
    assert client_for(make_staff("finance")).post(reload).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_a_provider_compares_models_and_makes_a_draft(count: int, tmp_path: Path) -> None:
    load(write(tmp_path / "prices.yaml", *(model(f"m{n}", "12.5") for n in range(count))))
    with transaction.atomic():
        api = make_api()
    client = client_for(make_member("developer", api.organization))
    url = reverse("portal:provider_plan_from_model")
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url).content.decode()
    assert page.count("$12.50") == 2 * count  # the base fee, and the bill of 10 000 calls
    assert sum("pricing_catalogue" in query["sql"] for query in queries) == 1

    body = {"api": str(api.pk), "model": "m0", "name": "", "follow": "on"}
    made = client.post(url, body, follow=True)
    plan = Plan.objects.get()
    assert made.redirect_chain[0][0] == reverse("portal:provider_plan", args=[plan.public_id])
    assert (plan.name, plan.status, plan.follows_id is not None) == ("M0", "draft", True)
    again = client.post(url, body)
    assert "Choose another name" in again.content.decode()
    assert url in client.get(reverse("portal:provider_plan_create")).content.decode()
    viewer = client_for(make_member("viewer", api.organization))
    assert viewer.get(url).status_code == 403
