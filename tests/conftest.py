"""Fixtures of all tests: people, and clients that act as them.

The functions behind them can also be imported from `tests.factories.accounts` and `tests.clients`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import hypothesis
import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.apis.selectors import shelves
from apps.core.actors import Actor
from tests import clients
from tests.factories import accounts
from tests.running_stack import running

# Started once for the whole run, wherever it is asked for.
__all__ = ("running",)

# A busy machine makes examples slowly; that says nothing about what is tested.
hypothesis.settings.register_profile(
    "tollgate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tollgate")
DATABASE_FIXTURES: Final = {"db", "transactional_db", "django_db_setup", "live_server"}
# Each starts a program of the gateway, which then has to be waited for.
PROCESS_FIXTURES: Final = {"valkey", "caddy", "resolver", "proxy", "folder"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs tables or processes: more than two minutes hold, so `make check` leaves it out."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or names & DATABASE_FIXTURES:
            item.add_marker("database")
        if names & PROCESS_FIXTURES:
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def own_catalogue_counts(request: pytest.FixtureRequest) -> None:
    """The catalogue's counts are kept for a minute; a test begins without those of another."""
    if request.node.get_closest_marker("database"):
        cache.delete_many([shelves.FRESH_KEY, shelves.CURRENT_KEY, shelves.CACHE_KEY])


@pytest.fixture
def make_member(db: None) -> Callable[..., Membership]:
    """`make_member("developer", organization=None, **user_fields)`."""
    return accounts.make_member


@pytest.fixture
def make_staff(db: None) -> Callable[..., User]:
    """`make_staff("approver")`; `make_staff(is_superuser=True)`."""
    return accounts.make_staff


@pytest.fixture
def actor_of() -> Callable[[Membership | User], Actor]:
    """`actor_of(membership)`."""
    return accounts.actor_of


@pytest.fixture
def api_client() -> Callable[..., APIClient]:
    """`api_client(membership)`, `api_client(user)`, `api_client(actor)`; without one: anonymous."""
    return clients.api_client


@pytest.fixture
def client_for() -> Callable[..., Client]:
    """`client_for(membership)` or `client_for(user)`: a browser that is signed in."""
    return clients.client_for
