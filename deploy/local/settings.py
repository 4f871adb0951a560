"""What a person may change about a local run: the ports, by environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from deploy.local.errors import LauncherError
from deploy.local.ports import find_free_ports, require_free

HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Ports:
    """Where each process listens on the loopback address.

    The defaults lie below the range of outgoing connections, so that they are rarely taken.
    """

    web: int = 8000
    gateway: int = 8080
    postgres: int = 15_432
    valkey: int = 16_379
    authorizer: int = 18_081
    resolver: int = 18_053
    upstream: int = 18_082
    stripe: int = 18_083

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """Read TOLLGATE_<NAME>_PORT for each port.

        Raises: LauncherError for a value that is not a port number.
        """
        chosen = {}
        for field in fields(cls):
            variable = setting_name(field.name)
            text = environment.get(variable, str(field.default))
            if not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
                raise LauncherError(f"{variable} must be a port number, not {text!r}.")
            chosen[field.name] = int(text)
        return cls(**chosen)

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that are free now, for a stack beside others."""
        names = [field.name for field in fields(cls)]
        return cls(**dict(zip(names, find_free_ports(len(names)), strict=True)))

    def require_free(self, names: list[str]) -> None:
        """Check the ports of the named processes.

        Raises: PortBusyError for the first busy one.
        """
        for name in names:
            require_free(getattr(self, name), purpose=name, setting=setting_name(name))


def setting_name(port_name: str) -> str:
    """Return the environment variable that sets a port."""
    return f"TOLLGATE_{port_name.upper()}_PORT"
