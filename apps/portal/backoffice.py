"""The back office: Django's admin, made for approvers, operators and finance people."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Uses our own site, which has a start page with what needs attention."""

    default_site = "apps.portal.backoffice_site.BackOfficeSite"
