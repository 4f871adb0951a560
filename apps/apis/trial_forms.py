"""What an approver fills in to try an operation of an API."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Endpoint
from apps.apis.services.trials import Operation

PLACES: Final = ("path", "query", "header")
MAX_PARAMETERS: Final = 40
MAX_VALUE_LENGTH: Final = 500


class TrialForm(forms.Form):
    """A field per parameter; without an operation, a path below the base URL."""

    def __init__(self, endpoint: Endpoint | None, *args: Any, **options: Any) -> None:
        """Make the fields."""
        super().__init__(*args, **options)
        self.endpoint = endpoint
        if endpoint is None:
            self.fields["path"] = forms.CharField(
                label=_("Path"), max_length=300, initial="/", help_text=_("Below the base URL.")
            )
            return
        for parameter in self._parameters(endpoint):
            self.fields[f"{parameter['in']}:{parameter['name']}"] = _field_of(parameter)

    @staticmethod
    def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
        known = [item for item in endpoint.parameters if item.get("in") in PLACES]
        return known[:MAX_PARAMETERS]

    def operation(self) -> Operation:
        """Return what is called."""
        if self.endpoint is None:
            return Operation(path=self.cleaned_data["path"].partition("?")[0].partition("#")[0])
        return Operation.of(self.endpoint)

    def values(self) -> dict[tuple[str, str], str]:
        """Return the values by place and name."""
        if self.endpoint is None:
            return {}
        pairs = ((key.partition(":"), value) for key, value in self.cleaned_data.items())
        return {(place, name): value for (place, _colon, name), value in pairs}


def _field_of(parameter: dict[str, Any]) -> forms.Field:
    schema = parameter.get("schema") or {}
    example = next(
        (
            item
            for item in (parameter.get("example"), schema.get("example"), schema.get("default"))
            if item is not None
        ),
        "",
    )
    return forms.CharField(
        label=f"{parameter['name']} ({parameter['in']})",
        required=parameter["in"] == "path" or bool(parameter.get("required")),
        max_length=MAX_VALUE_LENGTH,
        initial=example if isinstance(example, str | int | float) else "",
        help_text=str(parameter.get("description") or "")[:200],
    )
