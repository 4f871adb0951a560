"""The composition root: settings, URLs, processes. Nothing imports it but the entry points."""

from marketplace.celery import app as celery_app

__all__ = ("celery_app",)
