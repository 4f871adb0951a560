"""Refusals of the approval engine."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, Forbidden, InvalidInput


class AlreadyRequested(Conflict):
    """The subject has an open request; two decisions about one thing would contradict each other."""

    code = "approval_already_open"
    title = _("A decision about this is pending already")


class OwnSubmission(Forbidden):
    """Nobody decides what they, or their own organization, asked for."""

    code = "own_submission"
    title = _("You may not decide your own organization's request")


class CommentRequired(InvalidInput):
    """The move needs a reason that the other side can read."""

    code = "comment_required"
    title = _("Write a comment")
