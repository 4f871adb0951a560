"""Reads the file of the platform's own plans; what is wrong is told by line and reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from apps.accounts.enums import PlatformFeature, PlatformLimit
from apps.accounts.platform_plans.definitions import PlatformPlan, PlatformPlans, PlatformPrice

MAX_BYTES: Final = 64 * 1024
FREE_TIER: Final = "free"
SCHEMA_FILE: Final = Path(__file__).with_name("plans.schema.json")


class PlansFileError(ValueError):
    """The file cannot be used; `line` counts from 1, and is 0 where no line is to blame."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep where and why."""
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}" if line else reason)


class _PlainLoader(yaml.SafeLoader):
    """Knows no aliases, which could grow without bound, and takes no key twice."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # of the stubs
            raise PlansFileError(mark.line + 1, "aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        seen: set[Any] = set()
        for key, _value in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise PlansFileError(key.start_mark.line + 1, f"{name!r} is given twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


def load_plans(path: Path) -> PlatformPlans:
    """Return what a file says.

    Raises:
        PlansFileError: it cannot be read, or says something that does not fit the schema.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PlansFileError(0, f"cannot be read ({error.strerror})") from None
    return read_plans(content)


def read_plans(content: bytes) -> PlatformPlans:
    """Return what the content of a file says.

    Raises:
        PlansFileError: as in `load_plans`.
    """
    if len(content) > MAX_BYTES:
        raise PlansFileError(0, f"more than {MAX_BYTES} bytes")
    data, root = _parse(content)
    error = best_match(_validator().iter_errors(data))
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path)
        reason = f"{place}: {_reason(error)}" if place else _reason(error)
        raise PlansFileError(_line_of(root, error.absolute_path), reason)
    keys = [plan["key"] for plan in data["plans"]]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            line = _line_of(root, ("plans", number, "key"))
            raise PlansFileError(line, f"two plans have the key {key!r}")
    plans = tuple(_plan(item) for item in data["plans"])
    return PlatformPlans(plans, hashlib.sha256(content).hexdigest()[:16])


def _parse(content: bytes) -> tuple[Any, yaml.Node]:
    try:
        loader = _PlainLoader(content)
        try:
            root = loader.get_single_node()
            if root is None:
                raise PlansFileError(0, "the file is empty")
            return loader.construct_document(root), root
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise PlansFileError(line, f"not YAML ({error.problem or error.context})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, PlansFileError):
            raise
        raise PlansFileError(0, f"not YAML ({error})") from None


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def _reason(error: ValidationError) -> str:
    """Say what is wrong without repeating a whole document."""
    return error.message if len(error.message) < 200 else f"breaks the rule {error.validator!r}"


def _line_of(root: yaml.Node, path: Sequence[str | int]) -> int:
    """Return the line of the deepest node on a path that the document has."""
    node, line = root, root.start_mark.line + 1
    for part in path:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is None:
            return line
        node = found
    return line


def _plan(item: dict[str, Any]) -> PlatformPlan:
    summary = item.get("summary", "")
    tier = item["api_tier"]
    return PlatformPlan(
        key=item["key"],
        name=item["name"],
        summaries=summary if isinstance(summary, dict) else {"en": summary},
        prices=tuple(
            PlatformPrice(Decimal(price["amount"]), price["currency"], price["interval"])
            for price in item.get("prices", ())
        ),
        api_tier="" if tier == FREE_TIER else tier,
        limits={PlatformLimit(name): most for name, most in item["limits"].items()},
        features=frozenset(PlatformFeature(name) for name in item["features"]),
    )
