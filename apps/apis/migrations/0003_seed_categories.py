"""The shelves of a new catalogue; operators rename, add and remove them."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

CATEGORIES = (
    ("ai", "AI and machine learning", "Text, images, speech and predictions."),
    ("data", "Data", "Reference data, statistics and search."),
    ("finance", "Finance", "Payments, exchange rates, accounts and markets."),
    ("commerce", "Commerce", "Products, orders, shipping and tax."),
    ("communication", "Communication", "E-mail, messages, calls and notifications."),
    ("maps", "Maps and location", "Addresses, routes, places and time zones."),
    ("weather", "Weather and environment", "Forecasts, observations and air quality."),
    ("media", "Media", "Images, video, audio and documents."),
    ("security", "Security", "Identity, fraud and threat intelligence."),
    ("tools", "Developer tools", "What makes other software easier to write."),
)


def seed(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    Category = apps.get_model("apis", "Category")
    if Category.objects.exists():
        return
    for position, (slug, name, description) in enumerate(CATEGORIES, start=1):
        Category.objects.create(
            slug=slug, name=name, description=description, position=position * 10
        )


class Migration(migrations.Migration):
    dependencies = [("apis", "0002_provenance_of_checks_and_moves")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
