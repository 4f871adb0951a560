"""Test clients that act as somebody."""

from __future__ import annotations

from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.middleware import SESSION_ORGANIZATION
from apps.accounts.models import Membership, User
from apps.core.actors import Actor
from tests.factories.accounts import actor_of


def api_client(who: Membership | User | Actor | None = None) -> APIClient:
    """Return a REST client for a member, a person, a service token's actor, or nobody."""
    client = APIClient()
    if isinstance(who, Actor):
        user = User.objects.filter(pk=who.user_id).first() if who.user_id else None
        client.force_authenticate(user=user, token=who)  # type: ignore[arg-type]  # our `auth` is an Actor
    elif who is not None:
        user = who.user if isinstance(who, Membership) else who
        client.force_authenticate(user=user, token=actor_of(who))  # type: ignore[arg-type]  # as above
    return client


def client_for(who: Membership | User) -> Client:
    """Return a browser that is signed in, working in the membership's organization."""
    client = Client()
    user = who.user if isinstance(who, Membership) else who
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if isinstance(who, Membership):
        session = client.session
        session[SESSION_ORGANIZATION] = str(who.organization_id)
        session.save()
    return client
