"""The runbook of noisy tenants and the rules for scaling name only what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import Resolver404, resolve

from apps.usage.enums import BatchStatus
from deploy.local.state import PROJECT

RUNBOOK = (PROJECT / "docs/operations/noisy-tenant.md").read_text(encoding="utf-8")
RULES = PROJECT / "deploy/kubernetes/autoscaling.yaml"
METRIC = re.compile(r"\btollgate_[a-z_]+\b")
PATH = re.compile(r"(?:`|POST )(/(?:backoffice|api)/[^\s`]*)")


def documents() -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all(RULES.read_text(encoding="utf-8")) if item]


def exported(name: str) -> bool:
    """Tell whether some process of ours exports a metric; counters of the client library end in `_total`."""
    spellings = {f'"{name}"', f"{name}{{", f" {name} ", f'"{name.removesuffix("_total")}"'}
    sources = [*Path(PROJECT / "apps").rglob("*.py")]
    texts = [source.read_text(encoding="utf-8") for source in sources]
    return any(spelling in text for text in texts for spelling in spellings)


def test_every_path_of_the_runbook_leads_to_a_view() -> None:
    paths = {path.replace("{throttle_id}", "thr_1").split("?")[0] for path in PATH.findall(RUNBOOK)}

    assert {"/backoffice/gateway/tenantthrottle/now/", "/api/v1/admin/gateway/throttles"} <= paths
    for path in paths:
        try:
            match = resolve(path)
        except Resolver404:
            pytest.fail(f"{path} leads nowhere")
        # The back office answers any unknown path with a view of its own.
        assert "catch_all" not in match.func.__name__, path


@pytest.mark.parametrize(
    "name", sorted({*METRIC.findall(RUNBOOK), *METRIC.findall(RULES.read_text())})
)
def test_every_metric_is_exported(name: str) -> None:
    assert exported(name)


def test_audit_actions_of_the_runbook_are_written() -> None:
    actions = set(re.findall(r"gateway:throttle:\w+", RUNBOOK))
    source = (PROJECT / "apps/gateway/services/throttling.py").read_text(encoding="utf-8")

    assert len(actions) == 2
    assert {action for action in actions if f'"{action}"' not in source} == set()


def test_rules_scale_deployments_that_are_named_as_services() -> None:
    compose = yaml.safe_load((PROJECT / "deploy/compose.yml").read_text(encoding="utf-8"))
    targets = {item["spec"]["scaleTargetRef"]["name"] for item in documents()}

    assert targets == {"web", "authorizer", "worker", "usage-processor"}
    assert targets <= compose["services"].keys()
    assert {item["kind"] for item in documents()} == {"HorizontalPodAutoscaler", "ScaledObject"}


def test_rules_have_room_to_grow_and_a_floor() -> None:
    for item in documents():
        spec = item["spec"]
        least = spec.get("minReplicas", spec.get("minReplicaCount"))
        most = spec.get("maxReplicas", spec.get("maxReplicaCount"))
        assert 1 <= least < most, item["metadata"]["name"]


def test_the_runbook_says_what_the_rules_say() -> None:
    for name, threshold in (("authorizer", "3 000"), ("worker", "50"), ("usage-processor", "40")):
        rule = next(item for item in documents() if item["metadata"]["name"] == name)
        held = rule["spec"]["triggers"][0]["metadata"]["threshold"]
        assert held == threshold.replace(" ", "")
        row = next(
            line
            for line in RUNBOOK.splitlines()
            if line.startswith(f"| {name.replace('-', ' ')} |")
        )
        assert threshold in row


def test_the_batches_that_wait_are_in_a_state_that_exists() -> None:

    rule = next(item for item in documents() if item["metadata"]["name"] == "usage-processor")
    (state,) = re.findall(r'status="(\w+)"', rule["spec"]["triggers"][0]["metadata"]["query"])

    assert state in BatchStatus.values
