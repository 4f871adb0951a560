"""What the filters of usage pages offer."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.subscriptions.models import Subscription


def subscriptions_of(actor: Actor) -> QuerySet[Subscription]:
    """Return the organization's subscriptions, also ended ones, for the filters of usage pages."""
    rows = Subscription.objects.visible_to(actor).filter(
        consumer_organization_id=actor.organization_id
    )
    return rows.select_related("api", "plan").order_by("api__name", "id")


def provided_apis(actor: Actor) -> QuerySet[Api]:
    """Return the APIs of the actor's organization, by name."""
    if actor.organization_id is None:
        return Api.objects.none()
    rows = Api.objects.visible_to(actor).filter(organization_id=actor.organization_id)
    return rows.order_by("name", "id")


def get_provided_api(actor: Actor, public_id: str) -> Api:
    """Return an API of the actor's organization.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    return Api.objects.get_visible(actor, public_id)


def get_subscribed_api(actor: Actor, public_id: str) -> Api:
    """Return an API that the actor's organization is or was subscribed to.

    Raises:
        NotFound: unknown, or never subscribed to.
    """
    subscribed = subscriptions_of(actor).order_by().values("api_id")
    try:
        api = Api.objects.filter(pk=parse_public_id(Api.id_prefix, public_id), pk__in=subscribed)
    except InvalidPublicIdError:
        raise NotFound from None
    found = api.first()
    if found is None:
        raise NotFound
    return found


def get_consumer_subscription(actor: Actor, public_id: str) -> Subscription:
    """Return a subscription of the actor's organization.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = Subscription.objects.select_related("consumer_organization", "price_version", "api")
    return rows.get_visible(actor, public_id)
