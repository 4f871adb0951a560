"""App configuration."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Events in, windows, quotas."""

    name = "apps.usage"
    label = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        """Register outbox handlers, what waits in the back office, and the source of quota standings."""
        from apps.accounts.enums import PlatformLimit  # noqa: PLC0415 -- needs models
        from apps.accounts.platform_plans.counting import register_counter  # noqa: PLC0415 -- as above
        from apps.gateway.panels import register_panel  # noqa: PLC0415 -- needs models
        from apps.gateway.quotas import counted_calls  # noqa: PLC0415 -- needs models
        from apps.keys.stops import register_stop_source  # noqa: PLC0415 -- needs models
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- needs models
        from apps.notifications.webhooks import register_event_types  # noqa: PLC0415 -- as above
        from apps.pricing.meter_sources import register_meter_source  # noqa: PLC0415 -- as above
        from apps.subscriptions.usage_sources import (  # noqa: PLC0415 -- needs models
            register_live_source,
            register_usage_source,
        )
        from apps.usage import (  # noqa: PLC0415 -- registration on import
            alerts,  # noqa: F401
            anomaly_telling,
            attention,  # noqa: F401
            budget_alerts,  # noqa: F401
            budget_notices,
            conflict_notices,  # noqa: F401
            dead_letters,  # noqa: F401
            give_back,  # noqa: F401
            intake_attention,  # noqa: F401
            metrics,  # noqa: F401
            notices,
            receivers,  # noqa: F401
            webhooks,
        )
        from apps.usage.panels import shipper_panel  # noqa: PLC0415 -- needs models
        from apps.usage.selectors import (  # noqa: PLC0415 -- needs models
            most_meters_of_an_api,
            running_meter_facts,
            used_calls_for,
        )
        from apps.usage.stops import stops_of  # noqa: PLC0415 -- needs models

        register_counter(PlatformLimit.METERS_PER_API, most_meters_of_an_api)
        register_meter_source(running_meter_facts)
        register_usage_source(used_calls_for)
        register_live_source(counted_calls)
        register_stop_source(stops_of)
        register_kinds(*anomaly_telling.KINDS, *budget_notices.BUDGETS)
        register_event_types(anomaly_telling.EVENT)
        register_kinds(*notices.ALL)
        register_event_types(*webhooks.ALL)
        register_panel("usage/_backoffice_shippers.html", shipper_panel)
