"""Good events and bad ones of a batch, told apart event by event, with a reason for each bad one.

The way for batches in which something is unusual: other names for fields, fields that we do not know, an event that
is not good. All others pass `event_schema.find_all_good` at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from apps.usage.enums import RejectionCode
from apps.usage.event_names import (
    KEY_FIELD,
    AmbiguousFieldError,
    NamedEvent,
    kept_text,
    read_names,
)
from apps.usage.event_schema import (
    IncomingEvent,
    IntakeRules,
    Rejection,
    Sorted,
    Unreadable,
    decode_event,
    refusal_of,
)
from apps.usage.key_names import NamedKey

_PATH: Final = re.compile(r"at `\$\.(\w+)")
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_GOT: Final = re.compile(r"^Expected `[^`]+`, got `")

FindNamed = Callable[[Iterable[str]], Mapping[str, NamedKey]]


@dataclass(slots=True, eq=False)
class _Refused(Exception):  # noqa: N818 -- an answer, not an error of ours
    """Why an event is not taken."""

    code: RejectionCode
    reason: str
    field: str = ""


def sort_events(raws: Sequence[bytes], *, rules: IntakeRules, find_named: FindNamed) -> Sorted:
    """Tell good events from bad ones. Calls of our own gateway are never rejected.

    A gateway call that cannot be read goes to the dead letters instead; its time is not judged, because a shipper that was
    cut off for weeks still tells the truth.

    Args:
        raws: the events as JSON.
        rules: who sends, and when it is.
        find_named: finds keys and subscriptions by what events name.
    """
    drafts = [_read(raw, rules) for raw in raws]
    named = find_named(_names_of(drafts))
    accepted: list[bytes] = []
    rejections: list[Rejection] = []
    unreadable: list[Unreadable] = []
    oldest_at: datetime | None = None
    for index, (raw, draft) in enumerate(zip(raws, drafts, strict=True)):
        try:
            data, event = _finish(draft, named, rules)
        except _Refused as refused:
            if rules.is_gateway:
                unreadable.append(Unreadable(index, kept_text(raw), refused.reason))
            else:
                rejections.append(_rejection(index, raw, draft, refused))
            continue
        accepted.append(data)
        oldest_at = event.occurred_at if oldest_at is None else min(oldest_at, event.occurred_at)
    return Sorted(len(accepted), tuple(accepted), tuple(rejections), tuple(unreadable), oldest_at)


def _read(raw: bytes, rules: IntakeRules) -> NamedEvent | _Refused:
    try:
        return read_names(raw, source=rules.default_source)
    except AmbiguousFieldError as error:
        return _Refused(RejectionCode.AMBIGUOUS_FIELD, str(error), error.alias)
    except msgspec.ValidationError:
        return _Refused(RejectionCode.WRONG_TYPE, "Expected an object")
    except (msgspec.DecodeError, RecursionError):
        return _Refused(RejectionCode.INVALID_JSON, "The event is not valid JSON")


def _names_of(drafts: Iterable[NamedEvent | _Refused]) -> Iterable[str]:
    """Yield what has to be looked up: a key that stands alone, and whatever `subscription_key` holds."""
    for draft in drafts:
        if isinstance(draft, NamedEvent):
            name = draft.named_by or _lonely_key(draft.fields)
            if name:
                yield name


def _lonely_key(fields: Mapping[str, Any]) -> str:
    key = fields.get("key_id")
    return key if isinstance(key, str) and not fields.get("subscription_id") else ""


def _finish(
    draft: NamedEvent | _Refused, named: Mapping[str, NamedKey], rules: IntakeRules
) -> tuple[bytes, IncomingEvent]:
    """Return a good event, as JSON under our names and read.

    Raises:
        _Refused: it is not good.
    """
    if isinstance(draft, _Refused):
        raise draft
    _name_subscription(draft, named)
    try:
        data = msgspec.json.encode(draft.fields)
        event = decode_event(data)
    except msgspec.ValidationError as error:
        raise _explain(str(error), draft.used) from None
    except (msgspec.MsgspecError, OverflowError, RecursionError) as error:
        raise _Refused(RejectionCode.INVALID_VALUE, str(error)) from None
    refusal = None if rules.is_gateway else refusal_of(event, rules)
    if refusal is not None:
        code, reason, field = refusal
        raise _Refused(code, reason, draft.used.get(field, field))
    return data, event


def _name_subscription(draft: NamedEvent, named: Mapping[str, NamedKey]) -> None:
    name = draft.named_by or _lonely_key(draft.fields)
    if not name:
        if not draft.fields.get("subscription_id"):
            reason = "Object missing required field `subscription_id`, or `key_id` in its place"
            raise _Refused(RejectionCode.MISSING_FIELD, reason, "subscription_id")
        return
    found = named.get(name)
    field = KEY_FIELD if draft.named_by else "key_id"
    if found is None:
        raise _Refused(RejectionCode.UNKNOWN_KEY, f"`{field}` names no key", field)
    for ours, value in (("subscription_id", found.subscription_id), ("key_id", found.key_id)):
        if value is not None and (draft.fields.get(ours) or value) != value:
            reason = f"`{field}` and `{ours}` name different things; send one of them"
            raise _Refused(RejectionCode.AMBIGUOUS_FIELD, reason, field)
        if value is not None:
            draft.fields[ours] = value


def _explain(message: str, used: Mapping[str, str]) -> _Refused:
    """Turn a message of the decoder into a stable code, and our names of fields into the sender's."""
    missing, path = _MISSING.search(message), _PATH.search(message)
    field = missing[1] if missing else path[1] if path else ""
    if missing:
        code = RejectionCode.MISSING_FIELD
    elif _GOT.match(message):
        code = RejectionCode.WRONG_TYPE
    else:
        code = RejectionCode.INVALID_VALUE
    sent = used.get(field, field)
    return _Refused(code, message.replace(f"$.{field}", f"$.{sent}") if sent else message, sent)


def _rejection(
    index: int, raw: bytes, draft: NamedEvent | _Refused, refused: _Refused
) -> Rejection:
    event_id = draft.fields.get("id", "") if isinstance(draft, NamedEvent) else ""
    return Rejection(
        index=index,
        code=refused.code.value,
        reason=refused.reason,
        field=refused.field,
        event_id=event_id[:64] if isinstance(event_id, str) else "",
        payload=kept_text(raw),
    )
