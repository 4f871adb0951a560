"""Reads deploy/compose.yml the way `docker compose` does, as far as that file needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.local.state import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE_FILE = DEPLOY / "compose.yml"
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<text>[^}]*))?\})")


def load_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the compose file with merged mappings and filled-in variables."""
    document = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    filled = _fill(document, variables)
    assert isinstance(filled, dict)
    return filled


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of an env file."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _fill(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, variables) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _text_of(match, variables), value)
    return value


def _text_of(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    found = variables.get(match["name"], "")
    if found or match["kind"] is None:
        return found
    assert match["kind"] == "-", f"{match['name']}: {match['text']}"
    return match["text"]


def environment_of(service: Mapping[str, Any], secrets: Path) -> dict[str, str]:
    """Return a service's environment with the secrets of another folder than the container's."""
    return {
        name: str(value).replace("/run/secrets", str(secrets))
        for name, value in service.get("environment", {}).items()
    }
