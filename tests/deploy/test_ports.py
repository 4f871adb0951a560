import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import LauncherError, PortBusyError
from deploy.local.ports import LOOPBACK, accepts_connections, find_free_ports, is_free
from deploy.local.settings import Ports


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_busy_port_is_reported_in_one_line_with_its_setting(busy_port: int) -> None:
    ports = Ports.from_environment({"TOLLGATE_WEB_PORT": str(busy_port)})
    with pytest.raises(PortBusyError) as failure:
        ports.require_free(["web"])
    assert str(failure.value) == (
        f"Port {busy_port} (web) is in use. Stop what uses it, or choose another: "
        "TOLLGATE_WEB_PORT=<port> make run"
    )


def test_port_of_a_process_that_is_not_started_may_be_busy(busy_port: int) -> None:
    Ports(postgres=busy_port).require_free([])


@pytest.mark.parametrize("value", ["", "0", "65536", "-1", "web", "8000.5"])
def test_port_setting_that_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(LauncherError, match="TOLLGATE_GATEWAY_PORT must be a port number"):
        Ports.from_environment({"TOLLGATE_GATEWAY_PORT": value})


def test_free_ports_are_different_and_free(busy_port: int) -> None:
    ports = find_free_ports(7)
    assert len(set(ports)) == 7
    assert all(is_free(port) for port in ports)
    assert not is_free(busy_port)
    assert accepts_connections(busy_port)
