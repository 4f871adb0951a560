"""Operators ask why a call would pass or not."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Forbidden
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.gateway.explanations import Question, ask_authorizer
from apps.keys.models import ApiKey


def explain_decision(*, question: Question, actor: Actor) -> dict[str, Any]:
    """Have an authorizer explain what a call would get. The question is audited, without the key's text.

    Raises:
        AuthorizerUnreachable: none answers on this machine.
        Forbidden: nobody asks: a job has no use for explanations.
    """
    explanation = ask_authorizer(question)
    with transaction.atomic():
        record_audit(
            action="gateway:decision:explained",
            target=_subject_of(explanation["key_id"], actor),
            actor=actor,
            after={
                "key": explanation["key_id"],
                "method": question.method,
                "target": question.target.partition("?")[0],
                "address": question.address,
                "decision": explanation["decision"],
            },
        )
    return explanation


def _subject_of(key_id: str | None, actor: Actor) -> models.Model:
    """Return the key that was asked about; who asked, when there is none."""
    try:
        pk = parse_public_id(ApiKey.id_prefix, key_id or "")
    except InvalidPublicIdError:
        pk = None
    key = None if pk is None else ApiKey.objects.filter(pk=pk).first()
    if key is not None:
        return key
    if actor.user_id is None:
        raise Forbidden(required="staff:operator")
    return User.objects.get(pk=actor.user_id)
