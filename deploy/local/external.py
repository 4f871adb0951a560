"""Servers that the person brings: checked before anything starts, so that a mistake is one line."""

from collections.abc import Mapping

import psycopg
import redis

from deploy.local.errors import LauncherError

TIMEOUT_S = 5


def require_external_servers(given: Mapping[str, str]) -> None:
    """Connect to the servers that DATABASE_URL and REDIS_URL name, if they are set.

    Raises: LauncherError with one line that says which URL to correct.
    """
    if "DATABASE_URL" in given:
        try:
            psycopg.connect(given["DATABASE_URL"], connect_timeout=TIMEOUT_S).close()
        except psycopg.Error as error:
            raise _refusal("DATABASE_URL", "PostgreSQL", error) from error
    if "REDIS_URL" in given:
        try:
            client = redis.Redis.from_url(given["REDIS_URL"], socket_connect_timeout=TIMEOUT_S)
            client.ping()
            client.close()
        except (redis.RedisError, ValueError) as error:
            raise _refusal("REDIS_URL", "Valkey", error) from error


def _refusal(variable: str, server: str, error: Exception) -> LauncherError:
    words = " ".join(str(error).split())
    return LauncherError(
        f"{variable} cannot be used: {words}. "
        f"Correct it, or unset it to use the {server} that comes with Tollgate."
    )
