"""Which subjects can be approved: each app registers a handler for its own, so the engine knows none of them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from django.utils.functional import Promise

from apps.approvals.models import ApprovalRequest
from apps.core.actors import Actor


class ApprovalHandler(Protocol):
    """What an app must say about a subject type for the engine to handle its requests.

    The `on_…` methods run in the transaction of the decision: if one raises, nothing was decided.
    """

    subject_type: str
    label: str | Promise
    # The member permission that lets the requester's side answer, comment and withdraw.
    permission: str
    # A template fragment that shows the subject to the approver, filled by `review_context`.
    review_template: str

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Carry out what was approved."""

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Carry out the refusal."""

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """The requester withdrew, or the time ran out."""

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:
        """Whether the subject allows this actor to decide, beyond the engine's own rules."""

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return what `review_template` needs; all reads happen here."""

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the subject in plain JSON, for the REST answer."""

    def subject_path(self, request: ApprovalRequest) -> str:
        """Return the portal page where the requester sees the subject."""


@runtime_checkable
class DelegatedApprovalHandler(ApprovalHandler, Protocol):
    """A subject that another organization decides, such as a provider about its subscribers."""

    # The member permission that lets the deciding organization's side decide, ask and comment.
    decide_permission: str

    def decision_path(self, request: ApprovalRequest) -> str:
        """Return the portal page where the deciding organization decides."""


_handlers: dict[str, ApprovalHandler] = {}


def register_handler(handler: ApprovalHandler) -> None:
    """Make a subject type known to the engine.

    Raises:
        ValueError: the type has a handler already.
    """
    if handler.subject_type in _handlers:
        raise ValueError(f"approval subject {handler.subject_type!r} is registered twice")
    _handlers[handler.subject_type] = handler


def handler_of(subject_type: str) -> ApprovalHandler:
    """Return the handler of a subject type.

    Raises:
        KeyError: no app registered it.
    """
    return _handlers[subject_type]


def delegated_handler_of(subject_type: str) -> DelegatedApprovalHandler:
    """Return the handler of a subject type that another organization decides.

    Raises:
        KeyError: no app registered it.
        TypeError: the subject is decided by the back office only.
    """
    handler = handler_of(subject_type)
    if not isinstance(handler, DelegatedApprovalHandler):
        raise TypeError(f"approval subject {subject_type!r} cannot be decided by an organization")
    return handler


def subject_types() -> list[tuple[str, str | Promise]]:
    """Return every subject type with its label, for filters."""
    return [(name, handler.label) for name, handler in sorted(_handlers.items())]
