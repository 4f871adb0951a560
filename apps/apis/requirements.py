"""What an API needs before it can be submitted; higher apps add their own.

register_requirement(Requirement(code="published_plan", label=_("A published plan"), is_met=has_published_plan, …))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.apis import selectors
from apps.apis.models import Api

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must be true. `path` leads to the page where the provider makes it so."""

    code: str
    label: Text
    is_met: Callable[[Api], bool]
    help: Text = ""
    path: Callable[[Api], str] | None = None


@dataclass(frozen=True, slots=True)
class RequirementState:
    """A requirement as it stands for one API."""

    code: str
    label: Text
    help: Text
    url: str
    is_met: bool


_requirements: dict[str, Requirement] = {}


def register_requirement(requirement: Requirement) -> None:
    """Demand something of every API that is submitted from now on.

    Raises:
        ValueError: the code is taken by another requirement.
    """
    if _requirements.get(requirement.code, requirement) != requirement:
        raise ValueError(f"requirement {requirement.code!r} is registered twice")
    _requirements[requirement.code] = requirement


def requirements_of(api: Api) -> list[RequirementState]:
    """Return everything that is demanded of an API, met or not, in the order of registration."""
    return [
        RequirementState(
            code=item.code,
            label=item.label,
            help=item.help,
            url=item.path(api) if item.path else "",
            is_met=item.is_met(api),
        )
        for item in _requirements.values()
    ]


def unmet_requirements(api: Api) -> list[RequirementState]:
    """Return what is missing."""
    return [state for state in requirements_of(api) if not state.is_met]


OWN_REQUIREMENTS = (
    Requirement(
        code="short_description",
        label=_("A short description"),
        help=_("Say in one sentence what the API does."),
        is_met=lambda api: bool(api.short_description.strip()),
    ),
    Requirement(
        code="reachable_upstream",
        label=_("A reachable upstream"),
        help=_("The upstream must answer its health path with the expected status."),
        is_met=selectors.has_healthy_upstream,
    ),
)
