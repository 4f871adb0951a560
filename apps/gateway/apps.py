"""App configuration."""

from __future__ import annotations

from uuid import UUID

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Registry of what may be called, authorizer, sync."""

    name = "apps.gateway"
    label = "gateway"
    verbose_name = "Gateway"

    def ready(self) -> None:
        """Register receivers, jobs and the relay's loop, and prove keys to the app below."""
        from apps.gateway import attention, notices, receivers, sync, tasks  # noqa: F401, PLC0415 -- registration on import
        from apps.keys.proof import register_proof_source  # noqa: PLC0415 -- after the app registry
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as above

        register_proof_source(prove_key)
        register_kinds(*notices.ALL)


def prove_key(key_id: UUID, timeout_s: float) -> bool:
    """Wait until every authorizer has applied a key's last change."""
    from apps.gateway.enums import EntryKind  # noqa: PLC0415 -- after the app registry
    from apps.gateway.selectors import wait_until_proven  # noqa: PLC0415 -- after the app registry

    return wait_until_proven(EntryKind.KEY, key_id, timeout_s=timeout_s)
