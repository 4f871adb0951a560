"""Habits that no linter knows: no model signals, jobs by name, assertions that assert."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from apps.core.jobs import registered_jobs
from apps.core.schedule import declared_schedule
from tests.architecture.sources import PROJECT, app_sources

MODEL_SIGNALS = {
    "pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed", "pre_init", "post_init",
}  # fmt: skip
JOB_NAME = re.compile(r"[a-z]+\.[a-z]+(_[a-z0-9]+)*\Z")


def test_no_model_signals() -> None:
    used = [
        f"{item.at(node)} {alias.name}"
        for item in app_sources()
        for node in ast.walk(item.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals"
        for alias in node.names
        if alias.name in MODEL_SIGNALS
    ]

    assert used == []


def test_jobs_are_named_after_their_app_and_what_they_do() -> None:
    names = [name for name in registered_jobs() if not name.startswith("test.")]
    apps = {path.name for path in (PROJECT / "apps").iterdir() if path.is_dir()}

    assert [name for name in names if not JOB_NAME.match(name)] == []
    assert [name for name in names if name.split(".")[0] not in apps] == []
    assert [name for name, text in registered_jobs().items() if not text.endswith(".")] == []


def test_jobs_are_enqueued_and_scheduled_by_names_that_exist() -> None:
    enqueued = {
        str(argument.value)
        for item in app_sources()
        for node in ast.walk(item.tree)
        if isinstance(node, ast.Call) and called_name(node) == "enqueue_job"
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
    }

    assert sorted((enqueued | declared_schedule().keys()) - registered_jobs().keys()) == []


def called_name(node: ast.Call) -> str:
    """Return `enqueue_job` for `jobs.enqueue(…)`, however it was imported."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "enqueue":
        return "enqueue_job" if getattr(node.func.value, "id", "") == "jobs" else ""
    return ""


def test_query_counts_are_asserted_in_a_with_block() -> None:
    bare = [
        f"{path}:{node.lineno}"
        for path in sorted(Path(PROJECT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and "num_queries"
        in ast.unparse(node.value.func).lower().replace("assertnumqueries", "num_queries")
    ]

    assert bare == []
