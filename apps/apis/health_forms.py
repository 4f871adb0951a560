"""What a provider says about the checks of an upstream."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Api
from apps.apis.services.monitoring import (
    HIGHEST_STATUS,
    LOWEST_STATUS,
    MAX_INTERVAL_S,
    MIN_INTERVAL_S,
)


class HealthPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Path, expected status and interval."""

    health_expected_status = forms.IntegerField(
        label=_("Expected status"), min_value=LOWEST_STATUS, max_value=HIGHEST_STATUS
    )
    health_interval_s = forms.IntegerField(
        label=_("Check every"),
        min_value=MIN_INTERVAL_S,
        max_value=MAX_INTERVAL_S,
        help_text=_(
            "In seconds. While the upstream is in trouble it is checked every ten seconds."
        ),
    )

    class Meta:
        """The three columns."""

        model = Api
        fields = ("health_path", "health_expected_status", "health_interval_s")
        labels = {"health_path": _("Health path")}
