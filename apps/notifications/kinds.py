"""What people can be told: each kind has a name, its sentences and whether it is also mailed.

An app registers its kinds in `AppConfig.ready()`. The sentences are translated when they are shown, so a message reads
in whatever language its reader has chosen by then; placeholders are filled from the notification's context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise

Text = str | Promise
Tone = Literal["info", "ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """One sort of message.

    `is_important` ones are mailed as well, unless their reader switched the group's mails off; `is_mandatory`
    ones are mailed whatever the reader chose.
    """

    name: str
    title: Text
    body: Text = ""
    tone: Tone = "info"
    is_important: bool = False
    action_label: Text = ""
    is_mandatory: bool = False

    @property
    def group(self) -> str:
        """What the kind belongs to: the part of its name before the first dot."""
        return self.name.partition(".")[0]

    @property
    def is_mailed(self) -> bool:
        """Whether the kind goes out by e-mail to who wants mails."""
        return self.is_important or self.is_mandatory

    def title_for(self, context: Mapping[str, Any]) -> str:
        """Return the title in the active language."""
        return str(self.title) % context

    def body_for(self, context: Mapping[str, Any]) -> str:
        """Return the body in the active language; empty where the title says it all."""
        return str(self.body) % context


_kinds: dict[str, NotificationKind] = {}


def register_kinds(*kinds: NotificationKind) -> None:
    """Make kinds known; a name belongs to one kind only.

    Raises:
        ValueError: another kind has the name.
    """
    for kind in kinds:
        if _kinds.get(kind.name, kind) != kind:
            raise ValueError(f"notification kind {kind.name!r} is registered twice")
        _kinds[kind.name] = kind


def mailed_kinds() -> dict[str, list[NotificationKind]]:
    """Return the kinds that are mailed, by group."""
    groups: dict[str, list[NotificationKind]] = {}
    for name in sorted(_kinds):
        if _kinds[name].is_mailed:
            groups.setdefault(_kinds[name].group, []).append(_kinds[name])
    return groups


def kind_of(name: str) -> NotificationKind:
    """Return a registered kind.

    Raises:
        KeyError: nobody registered it.
    """
    return _kinds[name]


def find_kind(name: str) -> NotificationKind:
    """Return a kind for display; one that a newer release dropped shows its bare name."""
    return _kinds.get(name) or NotificationKind(name, name.replace("%", "%%"))
