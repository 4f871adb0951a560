"""What is counted and what came out. Plain values, the same for Valkey and for this process's memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most `max` calls in any `seconds` (sliding)."""

    name: str
    max: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may pass, and how much is left of the window with least left.

    `left` is None when nobody counted: the store is away and the platform lets calls pass meanwhile.
    """

    is_allowed: bool
    windows: tuple[Window, ...]
    tightest: Window
    left: int | None
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that tell the caller.

        Source: draft-ietf-httpapi-ratelimit-headers-11, and the older `X-RateLimit-*` that many clients read.
        """
        policy = ", ".join(f'"{item.name}";q={item.max};w={item.seconds}' for item in self.windows)
        headers = {"RateLimit-Policy": policy, "X-RateLimit-Limit": str(self.tightest.max)}
        if self.left is not None:
            headers |= {
                "RateLimit": f'"{self.tightest.name}";r={self.left};t={self.reset_s}',
                "X-RateLimit-Remaining": str(self.left),
                "X-RateLimit-Reset": str(self.reset_s),
            }
        if not self.is_allowed:
            headers["Retry-After"] = str(self.reset_s)
        return headers


@dataclass(frozen=True, slots=True)
class Counted:
    """The raw answer of a counter: milliseconds, and the number of the window with least left (from 0)."""

    is_taken: bool
    wait_ms: int
    tightest: int
    left: int
    reset_ms: int

    def verdict(self, windows: tuple[Window, ...]) -> Verdict:
        """Return it as a verdict; a refused caller is told one moment, by Retry-After and reset alike."""
        milliseconds = self.reset_ms if self.is_taken else self.wait_ms
        return Verdict(
            is_allowed=self.is_taken,
            windows=windows,
            tightest=windows[self.tightest],
            left=self.left,
            reset_s=max(1, -(-milliseconds // 1000)),
        )
