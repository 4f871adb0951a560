"""Problems that the framework raises read like our own."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.clients import api_client
from tests.factories.accounts import make_member


@pytest.mark.django_db
def test_a_method_that_is_not_allowed_is_titled_in_words() -> None:
    answer = api_client(make_member("owner")).delete("/api/v1/usage/events")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (405, "method_not_allowed")
    assert problem["title"] == "Method Not Allowed"
    assert "DELETE" in problem["detail"]


@pytest.mark.django_db
def test_a_body_beyond_all_bounds_is_a_problem_too() -> None:
    body = " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    answer = api_client(make_member("owner")).generic(
        "POST", "/api/v1/pricing/quote", body, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
