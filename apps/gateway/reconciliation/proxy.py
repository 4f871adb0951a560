"""Caddy: the configuration that it runs, against the one that we render."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from apps.gateway.caddy import CaddyError, CaddyWriter
from apps.gateway.caddy_settings import gateway_config_from_environment
from apps.gateway.environment import SettingError

MAX_PATHS: Final = 20


class ProxyState(StrEnum):
    """What a comparison says about the proxy."""

    SAME = "same"
    HEALED = "healed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class ProxyFinding:
    """The proxy: `paths` are places in its configuration that differed; `reason` says why it failed or was left out."""

    state: ProxyState
    paths: tuple[str, ...] = ()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as reports keep it."""
        return {
            "state": self.state.value,
            "paths": list(self.paths[:MAX_PATHS]),
            "reason": self.reason,
        }


def heal_proxy() -> ProxyFinding:
    """Compare Caddy's configuration with ours, and load ours where it differs.

    Only a process that shares the gateway's settings and its administration socket can; elsewhere it says so.
    """
    if not settings.GATEWAY_ADMIN_SOCKET:
        return ProxyFinding(ProxyState.NOT_CHECKED, reason=_("GATEWAY_ADMIN_SOCKET is not set."))
    try:
        config = gateway_config_from_environment()
    except SettingError as error:
        return ProxyFinding(ProxyState.NOT_CHECKED, reason=str(error))
    if not config.admin_socket.exists():
        reason = _("The proxy's administration socket is not here.")
        return ProxyFinding(ProxyState.NOT_CHECKED, reason=reason)
    writer = CaddyWriter(config)
    paths: tuple[str, ...] = ()
    try:
        paths = tuple(writer.drift())
        if paths:
            writer.push()
    except CaddyError as error:
        return ProxyFinding(ProxyState.FAILED, paths, reason=str(error))
    return ProxyFinding(ProxyState.HEALED if paths else ProxyState.SAME, paths)
