"""The operator's pages of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.apis.models import Api, Category
from apps.core.models import AuditEvent
from tests.factories.apis import CategoryFactory, healthy_check, make_api

pytestmark = pytest.mark.django_db

APIS = "/backoffice/apis/api/"


@pytest.fixture
def operator(make_staff: Callable[..., User], client_for: Callable[..., Client]) -> Client:
    return client_for(make_staff("operator"))


@pytest.fixture
def approver(make_staff: Callable[..., User], client_for: Callable[..., Client]) -> Client:
    return client_for(make_staff("approver"))


def run_action(client: Client, name: str, *apis: Api) -> str:
    form = {"action": name, "_selected_action": [api.pk for api in apis]}
    return client.post(APIS, form, follow=True).content.decode()


def test_operator_suspends_and_resumes_and_is_told_what_could_not_be(operator: Client) -> None:
    active, draft = make_api("active"), make_api("draft")

    text = run_action(operator, "suspend", active, draft)

    assert "1 API changed." in text
    assert "cannot become" in text
    active.refresh_from_db()
    assert active.status == "suspended"
    assert active.status_changes.order_by("-id")[0].by_operator is True
    run_action(operator, "resume", active)
    assert Api.objects.get(pk=active.pk).status == "active"


def test_approver_may_look_but_not_suspend(approver: Client) -> None:
    api = make_api("active")

    assert api.name in approver.get(APIS).content.decode()
    run_action(approver, "suspend", api)

    assert Api.objects.get(pk=api.pk).status == "active"


def test_api_page_is_read_only_and_shows_its_history(operator: Client) -> None:
    api = make_api("active")
    url = reverse("admin:apis_api_change", args=[api.pk])

    text = operator.get(url).content.decode()
    operator.post(url, {"name": "Changed"})

    assert "registering" in text
    assert "_save" not in text
    assert Api.objects.get(pk=api.pk).name == api.name


@pytest.mark.parametrize("item_count", [1, 3])
@pytest.mark.parametrize(("path", "queries"), [(APIS, 8), ("/backoffice/apis/healthcheck/", 7)])
def test_lists_need_the_same_queries_for_any_length(
    operator: Client,
    item_count: int,
    path: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(item_count):
        healthy_check(make_api("draft"))
    operator.get(path)

    with django_assert_num_queries(queries):
        operator.get(path)


def test_operator_changes_how_a_category_goes_live_and_it_is_audited(operator: Client) -> None:
    category = CategoryFactory(name="Sea", slug="sea")
    change = {"name": "Sea", "slug": "sea", "go_live_mode": "instant", "position": 0}

    operator.post(reverse("admin:apis_category_change", args=[category.pk]), change)

    assert Category.objects.get(pk=category.pk).go_live_mode == "instant"
    event = AuditEvent.objects.get(action="apis:category:saved")
    assert (event.before, event.after) == ({"go_live_mode": "review"}, {"go_live_mode": "instant"})


def test_approver_may_not_change_categories(approver: Client) -> None:
    category = CategoryFactory(slug="sea")
    change = {"name": "x", "slug": "sea", "go_live_mode": "instant", "position": 0}

    answer = approver.post(reverse("admin:apis_category_change", args=[category.pk]), change)

    assert answer.status_code == 403
    assert Category.objects.get(pk=category.pk).go_live_mode == "review"
