"""The image and the compose file, without Docker: what can be read, and what the settings make of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.docker import healthcheck
from deploy.docker.make_secrets import write_secrets
from deploy.local.binaries import ServerBinaries
from deploy.local.environment import Folders
from deploy.local.services import Machine, Service, declare_stages
from deploy.local.settings import Ports
from deploy.local.state import PROJECT
from tests.deploy.compose import DEPLOY, environment_of, load_compose, read_env_file

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
# What `make run` starts to stand in for other people's machines.
DEMO_ONLY = {"stripe", "upstream"}
IN_COMPOSE = {"caddy": "gateway"}
OURS = (
    *("migrate", "web", "worker", "beat", "relay", "usage-processor"),
    *("authorizer", "gateway-config", "resolver", "shipper"),
)
TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    return read_env_file(DEPLOY / ".env.example")


@pytest.fixture(scope="module")
def compose(variables: dict[str, str]) -> dict[str, Any]:
    return load_compose(variables)


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = compose["services"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    write_secrets(folder)
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """The processes of `make run`, by name."""
    state = tmp_path_factory.mktemp("state")
    machine = Machine(
        Folders(state), Ports(), ServerBinaries(*(state / name for name in "pivc")), user=None
    )
    given = {"DATABASE_URL": "given", "REDIS_URL": "given"}
    stages = declare_stages(machine, {}, given)
    return {step.name: step for stage in stages for step in stage if isinstance(step, Service)}


# --- Image ------------------------------------------------------------------------------------


def test_hadolint_accepts_the_dockerfile() -> None:
    subprocess.run([TOOLS / "hadolint", DOCKERFILE], check=True)


def test_the_image_runs_unprivileged_with_hashed_requirements_and_a_health_check() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    last_user = [line.split()[1] for line in lines if line.startswith("USER ")][-1]
    assert last_user == "10001:10001"
    (install,) = (line for line in lines if "pip install" in line)
    assert "--require-hashes" in install
    assert "requirements/production.txt" in install
    assert any(line.startswith("HEALTHCHECK ") for line in lines)


def test_what_the_image_copies_is_in_the_build_context() -> None:
    copied = re.findall(r"^COPY (?!--)(\S+) ", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    allowed = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert len(copied) > 5
    for path in copied:
        assert (PROJECT / path).exists()
        assert f"!{path}" in allowed


def test_secrets_stay_out_of_the_image_and_the_repository() -> None:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored.index("deploy/secrets") > ignored.index("!deploy")
    assert "/deploy/secrets/" in (PROJECT / ".gitignore").read_text(encoding="utf-8")


# --- Compose file: one thing fits the other ---------------------------------------------------


def test_every_process_of_a_local_run_has_a_container(
    local: dict[str, Service], services: dict[str, dict[str, Any]]
) -> None:
    names = local.keys() - DEMO_ONLY
    assert {"web", "relay", "caddy"} <= names
    assert {IN_COMPOSE.get(name, name) for name in names} <= services.keys()


@pytest.mark.parametrize(
    "name", ["worker", "beat", "relay", "usage-processor", "authorizer", "resolver"]
)
def test_containers_run_what_a_local_run_runs(
    name: str, local: dict[str, Service], services: dict[str, dict[str, Any]]
) -> None:
    words = local[name].command.argv[1:]
    wanted = [word for word in words if not word.startswith("-") and word != "manage.py"]
    assert wanted
    assert set(wanted) - {"celery"} <= set(services[name]["command"])


def test_names_that_a_service_uses_are_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            is_known = source in compose["volumes"] or (DEPLOY / source).exists()
            assert is_known, f"{name}: {source}"
        for secret in service.get("secrets", []):
            source = secret["source"] if isinstance(secret, dict) else secret
            assert source in compose["secrets"], f"{name}: {source}"
        assert set(service.get("networks", [])) <= compose["networks"].keys(), name
        assert set(service.get("depends_on", [])) <= compose["services"].keys(), name


def test_every_file_that_a_service_reads_is_mounted(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                folder, _, secret = str(value).rpartition("/")
                assert folder == "/run/secrets", f"{name}: {variable}"
                assert secret in service["secrets"], f"{name}: {variable}"


def test_make_secrets_writes_exactly_the_declared_files(
    compose: dict[str, Any], secrets: Path
) -> None:
    declared = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert declared == {path.name for path in secrets.iterdir()}
    assert write_secrets(secrets) == []


def test_passwords_and_addresses_that_belong_together_are_made_together(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    (tmp_path / "database_password").unlink()
    with pytest.raises(FileExistsError, match="database_url"):
        write_secrets(tmp_path)


# --- Compose file: who can reach what ---------------------------------------------------------


def test_only_the_edge_opens_ports(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == {"edge"}


def test_servers_and_private_listeners_are_on_inner_networks_only(compose: dict[str, Any]) -> None:
    inner = {name for name, network in compose["networks"].items() if network.get("internal")}
    for name in ("postgres", "valkey", "rabbitmq", "authorizer", "shipper", "gateway-metrics"):
        assert set(compose["services"][name]["networks"]) <= inner, name


def test_the_authorizer_listens_on_a_socket_that_only_the_gateway_mounts(
    services: dict[str, dict[str, Any]],
) -> None:
    assert "AUTHORIZER_BIND=unix:" in DOCKERFILE.read_text(encoding="utf-8")
    holders = {
        name
        for name, service in services.items()
        if any(volume.startswith("authorizer-run:") for volume in service.get("volumes", []))
    }
    assert holders == {"authorizer", "gateway", "gateway-metrics"}


def test_our_containers_have_no_capabilities_and_a_read_only_disk(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["read_only"] is True, name
        assert "privileged" not in services[name], name


# --- Compose file: what the settings make of it -----------------------------------------------


def test_every_variable_is_read_by_the_code(services: dict[str, dict[str, Any]]) -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("marketplace/settings", "apps/gateway", "apps/core", "apps/usage")
        for path in (PROJECT / folder).rglob("*.py")
    )
    names = {name.removesuffix("_FILE") for job in OURS for name in services[job]["environment"]}
    assert len(names) > 20
    assert {name for name in names if f'"{name}"' not in sources} == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["migrate", "web", "relay"])
def test_django_accepts_the_production_environment(
    name: str, services: dict[str, dict[str, Any]], secrets: Path
) -> None:
    program = "import django; django.setup(); from django.conf import settings as s; "
    program += "print(s.DATABASES['default']['HOST'], s.CELERY_BROKER_URL[:8], s.PUBLIC_URL)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            **environment_of(services[name], secrets),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings.production",
            "ENVIRONMENT": "production",
            "PROMETHEUS_MULTIPROC_DIR": str(secrets.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout.strip() == "postgres redis:// https://market.example.com"


def test_the_data_plane_accepts_its_environment(
    services: dict[str, dict[str, Any]], secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.gateway.authorizer.config import AuthorizerSettings  # noqa: PLC0415 -- env first
    from apps.gateway.caddy_settings import gateway_config_from_environment  # noqa: PLC0415
    from apps.gateway.resolver.config import ResolverSettings  # noqa: PLC0415
    from apps.gateway.shipper.config import ShipperSettings  # noqa: PLC0415

    for name in ("AUTHORIZER_SECRET", "KEY_PEPPERS", "REDIS_URL", "SHIPPER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for line in re.findall(r"([A-Z_]+=\S+)", DOCKERFILE.read_text(encoding="utf-8")):
        name, _, value = line.partition("=")
        if name.startswith(("GATEWAY_", "SHIPPER_", "AUTHORIZER_")):
            monkeypatch.setenv(name, value)
    for service in ("authorizer", "resolver", "shipper", "gateway-config"):
        for name, value in environment_of(services[service], secrets).items():
            monkeypatch.setenv(name, value)

    authorizer = AuthorizerSettings.from_environment()
    shipper = ShipperSettings.from_environment()
    resolver = ResolverSettings.from_environment()
    gateway = gateway_config_from_environment()

    assert gateway.authorizer == authorizer.bind.text
    assert gateway.authorizer_secret == authorizer.secret
    assert gateway.resolver == authorizer.resolver.text == resolver.bind.text
    assert gateway.access_log == shipper.access_log
    assert authorizer.journal_dir == shipper.journal_dir
    assert gateway.trusted_proxies == ("172.30.83.0/24",)


# --- Caddy and Prometheus beside it -----------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["docker/edge.Caddyfile", "observability/gateway-metrics.Caddyfile"]
)
def test_caddy_accepts(path: str, variables: dict[str, str]) -> None:
    subprocess.run(
        [TOOLS / "caddy", "validate", "--config", DEPLOY / path, "--adapter", "caddyfile"],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
    )


def test_prometheus_asks_containers_for_paths_that_exist(
    services: dict[str, dict[str, Any]],
) -> None:
    config = yaml.safe_load((DEPLOY / "observability" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert jobs.keys() == {"web", "authorizer", "gateway"}
    shared = set(services["prometheus"]["networks"])
    caddyfile = (DEPLOY / "observability" / "gateway-metrics.Caddyfile").read_text()
    for job in jobs.values():
        (target,) = job["static_configs"][0]["targets"]
        host, _, port = target.partition(":")
        assert shared & set(services[host]["networks"]), host
        if host == "gateway-metrics":
            assert f":{port} {{" in caddyfile
            assert f"path {job['metrics_path']}" in caddyfile


def test_health_check_tells_bad_from_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["healthcheck", "unix:/nowhere.sock", "/healthz"])
    assert healthcheck.main() == 1
    assert "unix:/nowhere.sock" in capsys.readouterr().err
