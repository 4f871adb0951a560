"""The whole product on free ports, started once for all tests that need it, with a consumer's keys."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.demo.person import Person
from deploy.local.demo.progress import Progress
from deploy.local.demo.story import Story
from deploy.local.settings import Ports
from deploy.local.supervisor import Stack
from tests.faults.wire import Wire

LONGEST_CALL_S: Final = 6

# The stack brings servers of its own; those of the test run are not for it.
OWN_SERVERS: Final = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack and what a consumer holds in it."""

    stack: Stack
    consumer: Person
    subscription: dict[str, Any]
    keys: list[str]
    base_url: str
    # Between the gateway's machine and web: it can be cut.
    wire: Wire


def given(wire: Wire) -> Mapping[str, str]:
    """Return the environment for a stack: this one, without the servers of the test run."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
    return {
        **inherited,
        "GATEWAY_LONGEST_CALL_S": str(LONGEST_CALL_S),
        "WEB_INTERNAL_URL": wire.url,
    }


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """Start everything once; play the demo up to the keys."""
    folder = Path(tempfile.mkdtemp(prefix="tollgate-stack-", dir="/var/tmp"))
    folder.chmod(0o711)  # the servers' own user passes through
    ports = Ports.free()
    wire = Wire(ports.web)
    stack = Stack(folder, ports=ports, given=given(wire))
    people: list[Person] = []
    try:
        wire.start()
        stack.start()
        story = Story(stack.environment, Progress())
        people += [story.provider, story.consumer, story.approver]
        story.meet()
        api = story.publish()
        subscription, keys = story.subscribe(api)
        yield Running(
            stack=stack,
            consumer=story.consumer,
            subscription=subscription,
            keys=[key["secret"] for key in keys[:-1]],
            base_url=f"{story.gateway}/{api['slug']}",
            wire=wire,
        )
    finally:
        for person in people:
            person.close()
        stack.stop()
        wire.stop()
        shutil.rmtree(folder)
