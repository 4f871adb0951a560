"""Two requests at once: the plan's key limit and the one live subscription hold."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.core.exceptions import Conflict
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from tests.factories.accounts import OrganizationFactory
from tests.factories.keys import make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


def all_at_once(work: Callable[[], Any], times: int) -> int:
    """Do something in threads of their own; return how many were refused."""

    def attempt(_number: int) -> bool:
        try:
            work()
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(attempt, range(times))).count(False)


def test_key_limit_holds_under_parallel_requests() -> None:
    subscription = make_subscription(plan=make_plan(key_limit=2))

    refused = all_at_once(lambda: make_key(subscription, is_active=False), 5)

    assert (refused, ApiKey.objects.count()) == (3, 2)


def test_parallel_subscriptions_leave_one() -> None:
    plan, consumer = make_plan(), OrganizationFactory()

    refused = all_at_once(lambda: make_subscription(plan=plan, consumer=consumer), 4)

    assert (refused, Subscription.objects.count()) == (3, 1)
