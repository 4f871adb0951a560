"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.keys.api import policy, scanning, views

ONE = "keys/<str:key_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("keys", views.KeysView.as_view(), name="key-list"),
    path("key-policy", policy.KeyPolicyView.as_view(), name="key-policy"),
    path("key-leaks", policy.KeyLeaksView.as_view(), name="key-leaks"),
    path("secret-scanning/github", scanning.SecretScanningView.as_view(), name="secret-scanning"),
    path(ONE, views.KeyView.as_view(), name="key"),
    path(f"{ONE}/reveal", views.RevealKeyView.as_view(), name="key-reveal"),
    path(f"{ONE}/rotate", views.RotateKeyView.as_view(), name="key-rotate"),
    path(f"{ONE}/retry", views.RetryKeyView.as_view(), name="key-retry"),
    path(f"{ONE}/suspend", views.SuspendKeyView.as_view(), name="key-suspend"),
    path(f"{ONE}/resume", views.ResumeKeyView.as_view(), name="key-resume"),
    path(f"{ONE}/revoke", views.RevokeKeyView.as_view(), name="key-revoke"),
    path(f"{ONE}/events", views.KeyEventsView.as_view(), name="key-events"),
]
