"""Reading parameters, and the errors that bad ones end in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class ProblemError(Exception):
    """An error answer (RFC 9457)."""

    status: int
    detail: str
    parameter: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the problem document."""
        title = HTTPStatus(self.status).phrase
        body: dict[str, Any] = {"title": title, "status": self.status, "detail": self.detail}
        return body | ({"parameter": self.parameter} if self.parameter else {})


@dataclass(frozen=True)
class Request:
    """A call as a handler sees it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""
    body: bytes = b""
    values: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """Return the query's parameters; the last of equal names wins."""
        return dict(parse_qsl(self.query))

    def text(self, name: str, default: str | None = None) -> str:
        """Return a parameter.

        Raises:
            ProblemError: 400, it is missing and has no default.
        """
        value = self.parameters.get(name, default)
        if value is None:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is required.", name)
        return value

    def whole(self, name: str, default: int, bounds: tuple[int, int]) -> int:
        """Return a whole number within bounds.

        Raises:
            ProblemError: 400, it is something else.
        """
        return int(self._number(name, str(default), bounds, whole=True))

    def degrees(self, name: str, limit: int) -> float:
        """Return an angle between -limit and limit degrees.

        Raises:
            ProblemError: 400, it is missing or something else.
        """
        return float(self._number(name, None, (-limit, limit)))

    def amount(self, name: str) -> Decimal:
        """Return an amount of money, up to 10^12.

        Raises:
            ProblemError: 400, it is missing or something else.
        """
        return self._number(name, None, (0, 10**12))

    def _number(
        self, name: str, default: str | None, bounds: tuple[int, int], *, whole: bool = False
    ) -> Decimal:
        low, high = bounds
        text = self.text(name, default)
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if value.is_nan() or not low <= value <= high or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"{name} must be {kind} from {low} to {high}.", name
            )
        return value
