"""What the requester sees of a decision on the page of their API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.apis.models import Api
from apps.approvals import services
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db


def test_conditions_stand_on_the_page_as_plain_text(client_for: Callable[..., Client]) -> None:
    member = make_member("developer")
    request = make_request(member)
    services.approve_request(
        request=request,
        actor=actor_of(make_staff("approver")),
        comment="Fine",
        conditions=["Name a <b>contact</b>."],
    )
    api = Api.objects.get(pk=request.subject_id)

    text = client_for(member).get(reverse("portal:provider_api", args=[api.public_id])).content

    assert "The approval has conditions" in text.decode()
    assert "<li>Name a &lt;b&gt;contact&lt;/b&gt;.</li>" in text.decode()
