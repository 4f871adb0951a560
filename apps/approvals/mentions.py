"""Who is meant by `@name` in what staff write."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from apps.accounts.models import User
from apps.approvals.selectors import list_assignable_staff

MAX_MENTIONS: Final = 20
# Not the middle of an e-mail address.
_MENTION: Final = re.compile(r"(?<![\w.+@-])@([\w.+-]{2,64})")


def mentioned_staff(text: str, *, author_id: UUID | None) -> list[User]:
    """Return the colleagues whom a text names, without its author.

    `@ann.lee`, `@annlee` and `@Ann` mean Ann Lee, and so does the front part of her address. A name that two share
    means both: better one told in vain than one who never hears.
    """
    wanted = {found.rstrip(".-+").casefold() for found in _MENTION.findall(text)}
    if not wanted:
        return []
    staff = [person for person in list_assignable_staff() if person.pk != author_id]
    return [person for person in staff if wanted & _handles(person)][:MAX_MENTIONS]


def _handles(person: User) -> set[str]:
    words = person.name.casefold().split()
    names = {"".join(words), ".".join(words), "-".join(words), words[0]} if words else set()
    return names | {person.email.partition("@")[0].casefold()}
