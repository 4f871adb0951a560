"""What is wrong with a document, place by place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.exceptions import InvalidInput

MAX_PROBLEMS: Final = 50


def pointer_to(*tokens: str | int) -> str:
    """Return a JSON pointer (RFC 6901) to the place that the tokens lead to."""
    escaped = (str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
    return "".join(f"/{token}" for token in escaped)


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One thing that is wrong, and where."""

    pointer: str
    code: str
    detail: str


class OpenApiInvalid(InvalidInput):
    """The document cannot be imported; `errors` lists at most fifty places."""

    code = "openapi_invalid"
    title = gettext_lazy("This OpenAPI document cannot be imported")

    def __init__(self, problems: Iterable[DocumentProblem]) -> None:
        """Keep the problems, and read like the first of them."""
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            f"{first.pointer or '/'}: {first.detail}",
            errors=[
                {"pointer": item.pointer or "/", "code": item.code, "detail": item.detail}
                for item in self.problems
            ],
        )


@dataclass(slots=True)
class ProblemList:
    """Collects problems, so that an author mends them all at once."""

    items: list[DocumentProblem] = field(default_factory=list)

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note a problem; beyond the limit, stop reading.

        Raises:
            OpenApiInvalid: the limit is reached.
        """
        self.items.append(DocumentProblem(pointer, code, detail))
        if len(self.items) >= MAX_PROBLEMS:
            self.raise_if_any()

    def wrong_type(self, pointer: str, wanted: str) -> None:
        """Note that a place holds something else than it must."""
        self.add(pointer, "wrong_type", _("This must be %(wanted)s.") % {"wanted": wanted})

    def raise_if_any(self) -> None:
        """Refuse the document if anything was noted.

        Raises:
            OpenApiInvalid: with everything that was noted.
        """
        if self.items:
            raise OpenApiInvalid(self.items)


def refuse(code: str, detail: str, pointer: str = "") -> OpenApiInvalid:
    """Return the error for a document with a single fatal problem."""
    return OpenApiInvalid([DocumentProblem(pointer, code, detail)])
