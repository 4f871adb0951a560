"""App configuration."""

from django.apps import AppConfig


class ApisConfig(AppConfig):
    """Listings, versions, endpoints, OpenAPI, upstream health."""

    name = "apps.apis"
    label = "apis"
    verbose_name = "APIs"

    def ready(self) -> None:
        """Register how submissions are approved, what they need, and what providers are told."""
        # Apps must be loaded before these are imported; receivers register on import.
        from apps.accounts.deletion_blockers import register_deletion_blocker  # noqa: PLC0415 -- as said
        from apps.accounts.enums import PlatformLimit  # noqa: PLC0415 -- as said
        from apps.accounts.platform_plans.counting import register_counter  # noqa: PLC0415 -- as said
        from apps.apis import (  # noqa: PLC0415 -- as said
            notices,
            organization_facts,  # noqa: F401 -- as said
            receivers,  # noqa: F401 -- as said
            requirements,
            webhooks,
        )
        from apps.apis.approval import ApiApprovalHandler, ApiUpdateHandler  # noqa: PLC0415 -- as said
        from apps.apis.deletion_blockers import ACTIVE_APIS  # noqa: PLC0415 -- as said
        from apps.apis.selectors.provided import count_published  # noqa: PLC0415 -- as said
        from apps.apis.verification import ProviderVerificationHandler  # noqa: PLC0415 -- as said
        from apps.approvals.registry import register_handler  # noqa: PLC0415 -- as said
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as said
        from apps.notifications.webhooks import register_event_types  # noqa: PLC0415 -- as said

        register_counter(PlatformLimit.APIS, count_published)
        register_deletion_blocker(ACTIVE_APIS)
        register_handler(ApiApprovalHandler())
        register_handler(ApiUpdateHandler())
        register_handler(ProviderVerificationHandler())
        register_kinds(*notices.ALL)
        register_event_types(*webhooks.ALL)
        for requirement in requirements.OWN_REQUIREMENTS:
            requirements.register_requirement(requirement)
