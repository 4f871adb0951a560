"""App configuration."""

from django.apps import AppConfig


class ApisConfig(AppConfig):
    """Listings, versions, endpoints, OpenAPI, upstream health."""

    name = "apps.apis"
    label = "apis"
    verbose_name = "APIs"
