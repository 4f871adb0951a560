from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0002_cutoff"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="usageevent",
            index=models.Index(
                fields=["consumer_organization_id", "occurred_at"], name="usage_event_consumer"
            ),
        ),
        migrations.AddIndex(
            model_name="usageevent",
            index=models.Index(
                fields=["provider_organization_id", "occurred_at"], name="usage_event_provider"
            ),
        ),
    ]
