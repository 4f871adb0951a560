"""APIs in any state of their life, and what belongs to them.

`make_api("active")` walks the real services as far as the wanted state, so no test starts from a state that the
product cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import factory
from django.db import transaction
from factory.django import DjangoModelFactory

from apps.accounts.models import Organization
from apps.apis import services
from apps.apis.enums import ApiStatus
from apps.apis.models import Api, ApiVersion, Category, Endpoint, HealthCheck
from apps.apis.services.moves import move_api
from apps.core import clock
from apps.core.actors import Actor
from tests.factories.accounts import OrganizationFactory

PROVIDER = Actor.system("provider of the test")

Moves: TypeAlias = list[Callable[[Api], object]]


class CategoryFactory(DjangoModelFactory[Category]):
    """A shelf where APIs are reviewed first."""

    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")


class ApiFactory(DjangoModelFactory[Api]):
    """A draft with a short description, made by its service."""

    class Meta:
        model = Api

    organization = factory.SubFactory(OrganizationFactory)
    category = factory.SubFactory(CategoryFactory)
    name = factory.Sequence(lambda n: f"Weather {n}")
    short_description = "Forecasts for every place."
    upstream_url = factory.Sequence(lambda n: f"https://upstream-{n}.example.com/v1")

    @classmethod
    def _create(cls, _model_class: type[Api], *_args: Any, **fields: Any) -> Api:
        organization = fields.pop("organization")
        listing = cast("services.ListingFields", fields)
        return services.create_api(organization=organization, fields=listing, actor=PROVIDER)


class ApiVersionFactory(DjangoModelFactory[ApiVersion]):
    """The current version of an API."""

    class Meta:
        model = ApiVersion

    api = factory.SubFactory(ApiFactory)
    name = "1.0.0"
    is_current = True


class EndpointFactory(DjangoModelFactory[Endpoint]):
    """One operation of a version."""

    class Meta:
        model = Endpoint

    version = factory.SubFactory(ApiVersionFactory)
    method = "GET"
    path = factory.Sequence(lambda n: f"/things/{n}")
    summary = "List things"


def healthy_check(api: Api) -> HealthCheck:
    """Record that the upstream answered well just now."""
    return HealthCheck.objects.create(
        api=api,
        url=api.health_url,
        checked_at=clock.now(),
        is_healthy=True,
        status_code=200,
        latency_ms=12,
    )


@transaction.atomic
def make_api(
    status: str = ApiStatus.ACTIVE, organization: Organization | None = None, **fields: Any
) -> Api:
    """Make an API in the wanted state: draft, pending_approval, registering, active, suspended, deprecated, failed.

    Publishing requirements of higher apps are not asked: the moves after the submission are made directly.
    """
    api: Api = ApiFactory(organization=organization or OrganizationFactory(), **fields)
    healthy_check(api)
    for move in _moves_to(ApiStatus(status)):
        move(api)
    return api


def _submit_unchecked(api: Api) -> None:
    move_api(api, ApiStatus.SUBMITTED, actor=PROVIDER)
    move_api(api, ApiStatus.PENDING_APPROVAL, actor=PROVIDER)


def _approve(api: Api) -> None:
    services.approve_api(api=api, actor=PROVIDER)


def _activate(api: Api) -> None:
    services.mark_api_active(api=api, actor=PROVIDER)


def _moves_to(status: ApiStatus) -> Moves:
    to_registering: Moves = [_submit_unchecked, _approve]
    to_active: Moves = [*to_registering, _activate]
    moves: dict[ApiStatus, Moves] = {
        ApiStatus.DRAFT: [],
        ApiStatus.PENDING_APPROVAL: [_submit_unchecked],
        ApiStatus.REGISTERING: to_registering,
        ApiStatus.FAILED: [
            *to_registering,
            lambda api: services.mark_api_failed(api=api, reason="no proof", actor=PROVIDER),
        ],
        ApiStatus.ACTIVE: to_active,
        ApiStatus.SUSPENDED: [
            *to_active,
            lambda api: services.suspend_api(api=api, reason="maintenance", actor=PROVIDER),
        ],
        ApiStatus.DEPRECATED: [
            *to_active,
            lambda api: services.deprecate_api(api=api, actor=PROVIDER),
        ],
    }
    return moves[status]
