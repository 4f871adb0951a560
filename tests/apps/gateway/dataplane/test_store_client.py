"""The decision path's store connection answers every command, also in the moment in which the connection dies."""

from __future__ import annotations

import asyncio
from typing import Any

from apps.gateway.authorizer.resp import command
from apps.gateway.authorizer.store_client import StoreClient, StoreUnavailableError
from deploy.local.ports import LOOPBACK

PING = command("PING")
GET = command("GET", "x")


async def greet_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a store that dies at the first command."""
    await reader.readexactly(len(PING))
    writer.write(b"+PONG\r\n")
    await reader.readexactly(len(GET))
    writer.close()


async def ask_while_it_dies(client: StoreClient) -> list[Any]:
    """Send a command that the connection does not survive, and another one as soon as that is known."""
    loop = asyncio.get_running_loop()
    answers: list[Any] = []
    is_done = loop.create_future()

    def when_second_answered(reply: Any) -> None:
        answers.append(reply)
        is_done.set_result(None)

    def when_first_answered(reply: Any) -> None:
        if str(reply) == "not connected":
            loop.call_later(0.01, client.call, GET, when_first_answered)
            return
        answers.append(reply)
        # Nobody but this command knows yet that the connection is lost.
        client.call(GET, when_second_answered)

    client.call(GET, when_first_answered)
    async with asyncio.timeout(5):
        await is_done
    return answers


def test_command_sent_while_the_connection_dies_is_answered() -> None:
    async def run() -> list[Any]:
        server = await asyncio.start_server(greet_and_hang_up, LOOPBACK, 0)
        client = StoreClient(f"redis://{LOOPBACK}:{server.sockets[0].getsockname()[1]}")
        connecting = asyncio.create_task(client.run())
        try:
            return await ask_while_it_dies(client)
        finally:
            connecting.cancel()
            server.close()

    answers = asyncio.run(run())

    assert [type(answer) for answer in answers] == [StoreUnavailableError] * 2
