"""The store command that takes calls of one key: what never changes is encoded once, and calls of one tick share it.

Source: docs/architecture/gateway.md §4; the contract of `tg1_take_all` stands in store/tollgate.lua.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apps.gateway.authorizer.resp import bulk, bulks
from apps.gateway.store import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.gateway.entries import RateLimit

UNLIMITED: Final = -1
# The store serves nobody else while it carries out one command.
MAX_CALLS: Final = 64
_TAKE: Final = bulk("tg1_take_all")
_PEEK: Final = bulk("tg1_peek_all")
_FCALL: Final = bulk("FCALL")
# FCALL, the function's name, the number of keys; then keys and arguments.
_FIXED_PARTS: Final = 3
_FIXED_ARGUMENTS: Final = 5
_LIMIT: Final = struct.Struct("<QI")


class Asked(NamedTuple):
    """One call that is to be taken. `done` gets its answer, or a StoreUnavailableError; it must not raise."""

    request_id: str
    event_id: str
    decided_at: int
    done: Callable[[Any], None]


class TakeForm:
    """How calls of one key are taken in one period."""

    __slots__ = ("_arguments", "_mark_prefix", "_subjects", "_subjects_count")

    def __init__(
        self,
        *,
        org_id: str,
        key_id: str,
        subjects: Sequence[tuple[str, Sequence[RateLimit]]],
        period_start: int | None,
        bound: int | None,
        is_hard: bool,
    ) -> None:
        """Encode what all calls share.

        Args:
            subjects: the subscription's packed value, then those of key and tenant if they are limited; each with its windows.
            period_start: Unix milliseconds; None when nothing is counted by period.
            bound: calls of the period; None for any number.
        """
        self._mark_prefix = names.taken_call(org_id, "").encode()
        self._subjects_count = len(subjects)
        self._subjects = bulks(*(name for name, _ in subjects))
        windows = b"".join(
            [
                bytes((len(limits),))
                + b"".join(_LIMIT.pack(limit.max, limit.window_s * 1000) for limit in limits)
                for _, limits in subjects
            ]
        )
        start = "" if period_start is None else str(period_start)
        limit_text = str(UNLIMITED if bound is None else bound)
        hard = "1" if is_hard else "0"
        self._arguments = b"%b$%d\r\n%b\r\n" % (
            bulks(key_id, start, limit_text, hard),
            len(windows),
            windows,
        )

    def encode(self, calls: Sequence[Asked], function: bytes = _TAKE) -> bytes:
        """Return the command for some calls, at most `MAX_CALLS`."""
        prefix = self._mark_prefix
        count, keys = len(calls), self._subjects_count + len(calls)
        parts = [
            b"*%d\r\n" % (_FIXED_PARTS + keys + _FIXED_ARGUMENTS + 2 * count),
            _FCALL,
            function,
            bulk(str(keys)),
            self._subjects,
        ]
        for request_id, *_ in calls:
            name = prefix + request_id.encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(name), name))
        parts.append(self._arguments)
        for _, event_id, decided_at, _ in calls:
            event, moment = event_id.encode(), b"%d" % decided_at
            parts.append(b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(event), event, len(moment), moment))
        return b"".join(parts)

    def encode_peek(self, call: Asked) -> bytes:
        """Return the command that answers as if it took one call."""
        return self.encode((call,), _PEEK)


class Takes:
    """The calls of one tick, by the form in which they are taken."""

    __slots__ = ("_by_form",)

    def __init__(self) -> None:
        """Begin without any."""
        self._by_form: dict[TakeForm, list[Asked]] = {}

    def add(self, form: TakeForm, call: Asked) -> None:
        """Put a call to the others of its key."""
        calls = self._by_form.get(form)
        if calls is None:
            self._by_form[form] = [call]
        else:
            calls.append(call)

    def commands(self) -> list[tuple[bytes, Callable[[Any], None], int]]:
        """Return commands, what gets the answer of each, and how many calls it is about."""
        commands: list[tuple[bytes, Callable[[Any], None], int]] = []
        for form, calls in self._by_form.items():
            for first in range(0, len(calls), MAX_CALLS):
                some = calls[first : first + MAX_CALLS]
                commands.append((form.encode(some), partial(_hand_out, some), len(some)))
        return commands


def _hand_out(calls: Sequence[Asked], reply: Any) -> None:
    """Give each call its part of the answer; all of them the error when there is none."""
    if isinstance(reply, list):
        for call, answer in zip(calls, reply, strict=True):
            call.done(answer)
    else:
        for call in calls:
            call.done(reply)
