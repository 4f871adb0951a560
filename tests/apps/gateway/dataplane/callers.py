"""What revocations are watched with: callers under load, and a connection to the store that can be cut."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Self

import httpx

from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.harness import AuthorizerProcess

CALLS_PER_SECOND: Final = 20


class Cable:
    """A TCP connection to the store that can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and let no new one come about."""
        self._is_cut = True
        # A listener that is only closed goes on accepting while a thread waits at it.
        for end in (self._listener, *self._ends):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was faster
            finally:
                end.close()

    def _accept(self) -> None:
        while not self._is_cut:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((LOOPBACK, self._target))
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return


class Callers:
    """One client per authorizer, each calling twenty times a second; remembers when what came."""

    def __init__(
        self, authorizers: list[AuthorizerProcess], ask: Callable[[AuthorizerProcess], int]
    ) -> None:
        """Call every authorizer by `ask`, which returns the status."""
        self.answers: dict[str, list[tuple[float, int]]] = {node.node: [] for node in authorizers}
        self._ask = ask
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(node,), daemon=True) for node in authorizers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def allowed_since(self, moment: float) -> list[tuple[str, float]]:
        return [
            (node, at - moment)
            for node, answers in self.answers.items()
            for at, status in answers
            if status == httpx.codes.OK and at > moment
        ]

    def count_since(self, moment: float) -> Counter[str]:
        return Counter(
            node for node, answers in self.answers.items() for at, _ in answers if at > moment
        )

    def _call(self, node: AuthorizerProcess) -> None:
        while not self._stopped.wait(1 / CALLS_PER_SECOND):
            self.answers[node.node].append((time.monotonic(), self._ask(node)))
