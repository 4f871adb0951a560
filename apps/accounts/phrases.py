"""Texts of django-allauth that it ships in no Hindi; named here, they are collected into our own catalogues."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop

ALLAUTH_TEXTS: Final = (
    gettext_noop("Email"),
    gettext_noop("Email address"),
    gettext_noop("Remember Me"),
    gettext_noop("Current Password"),
    gettext_noop("New Password"),
    gettext_noop("New Password (again)"),
    gettext_noop("Password (again)"),
    gettext_noop("Authenticator code"),
    gettext_noop("You must type the same email each time."),
    gettext_noop("You must type the same password each time."),
)
