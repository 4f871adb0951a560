"""Every state that a model can be in has its word and its tone."""

from __future__ import annotations

from django.apps import apps
from django.db.models import CharField

from apps.core.states import STATES, look_of

STATE_FIELDS = frozenset({"status", "state", "sync_state", "health"})


def states_of_the_models() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}: {value}"
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        for field in model._meta.get_fields()
        if isinstance(field, CharField) and field.name in STATE_FIELDS
        for value, _label in field.flatchoices
    }


def test_every_state_of_every_model_is_known() -> None:
    found = states_of_the_models()
    assert found, "no model has a state"
    assert {name for name in found if name.split(": ")[1] not in STATES} == set()


def test_unlisted_state_reads_as_its_own_name() -> None:
    look = look_of("never_heard_of")
    assert (look.tone, look.label, look.is_moving) == ("neutral", "Never heard of", False)
