"""Refusals of the approval engine."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, Forbidden, InvalidInput


class AlreadyRequested(Conflict):
    """The subject has an open request; two decisions about one thing would contradict each other."""

    code = "approval_already_open"
    title = _("A decision about this is pending already")


class AlreadyAssigned(Conflict):
    """Somebody else took the request; a person can still be assigned by name."""

    code = "approval_already_assigned"
    title = _("Somebody else took this request already")


class RequestClosed(Conflict):
    """The request is decided, withdrawn or expired, so there is nothing left to plan."""

    code = "approval_closed"
    title = _("This request is closed")


class OwnSubmission(Forbidden):
    """Nobody decides what they, or their own organization, asked for."""

    code = "own_submission"
    title = _("You may not decide your own organization's request")


class CommentRequired(InvalidInput):
    """The move needs a reason that the other side can read."""

    code = "comment_required"
    title = _("Write a comment")


class UnsuitableAssignee(InvalidInput):
    """The person may not decide the request, so it cannot wait for them."""

    code = "unsuitable_assignee"
    title = _("This person may not decide this request")


class AttachmentRefused(InvalidInput):
    """A file that is too large, one too many, or of a kind that is not accepted."""

    code = "attachment_refused"
    title = _("This file cannot be attached")
