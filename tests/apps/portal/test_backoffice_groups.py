"""The back office's start page: tables in groups, technical ones folded away."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.portal.backoffice_groups import GROUPS, groups_of, system_apps
from tests.clients import client_for
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db


def registered() -> set[str]:
    """Name every table of the back office."""
    return {f"{model._meta.app_label}.{model.__name__}" for model in admin.site._registry}


def test_groups_name_tables_that_exist_each_once() -> None:
    named = [name for group in GROUPS for name in group.tables]

    assert sorted(set(named) - registered()) == []
    assert len(named) == len(set(named))


def test_every_table_is_in_a_group_or_in_the_system() -> None:
    tables: list[dict[str, Any]] = [
        {
            "app_label": name.split(".")[0],
            "models": [{"object_name": name.split(".")[1], "name": name}],
        }
        for name in sorted(registered())
    ]

    grouped = [row["name"] for shown in groups_of(tables) for row in shown.models]
    technical = [row["name"] for app in system_apps(tables) for row in app["models"]]

    assert sorted(grouped + technical) == sorted(registered())
    assert "core.OutboxMessage" in technical
    assert "billing.Invoice" in grouped


def test_start_page_shows_attention_first_then_groups_and_folds_technical_tables_away() -> None:
    page = client_for(make_staff(is_superuser=True)).get(reverse("admin:index")).text

    titles = [page.index(f'id="group-{group.name}"') for group in GROUPS]
    assert page.index('class="attention"') < titles[0]
    assert titles == sorted(titles)
    folded = page[page.index('<details class="group__more">') :]
    assert reverse("admin:core_outboxmessage_changelist") in folded
    assert reverse("admin:billing_invoice_changelist") not in folded
    assert reverse("admin:schedule") in page


def test_groups_without_a_table_for_this_role_are_left_out() -> None:
    assert groups_of([]) == []
