import stat
from pathlib import Path

from django.urls import reverse

from apps.billing import webhook_endpoint
from deploy.local.environment import Folders, build_environment, load_secrets
from deploy.local.settings import Ports

SERVERS = {"DATABASE_URL": "postgres://embedded", "REDIS_URL": "redis://embedded"}


def test_secrets_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    first = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == first
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_secrets_new_to_an_old_state_folder_are_added(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"SECRET_KEY": "as before"}')
    secrets = load_secrets(tmp_path)
    assert secrets["SECRET_KEY"] == "as before"
    assert secrets["AUTHORIZER_SECRET"]


def test_what_the_person_has_set_wins_and_the_rest_of_the_shell_stays_out(tmp_path: Path) -> None:
    given = {
        "PATH": "/bin",
        "DATABASE_URL": "postgres://external",
        "SENTRY_DSN": "https://key@example.com/1",
        "AWS_SECRET_ACCESS_KEY": "not for Tollgate",
    }
    environment = build_environment(Folders(tmp_path), Ports(), server_urls=SERVERS, given=given)
    assert environment["DATABASE_URL"] == "postgres://external"
    assert environment["REDIS_URL"] == "redis://embedded"
    assert environment["SENTRY_DSN"] == "https://key@example.com/1"
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["PATH"].endswith(":/bin")


def test_passwords_of_the_servers_reach_the_processes_only_in_urls(tmp_path: Path) -> None:
    environment = build_environment(Folders(tmp_path), Ports(), server_urls=SERVERS, given={})
    secrets = load_secrets(tmp_path)
    assert "DATABASE_PASSWORD" not in environment
    assert environment["AUTHORIZER_SECRET"] == secrets["AUTHORIZER_SECRET"]
    assert environment["OUTGOING_TRUSTED_HOSTS"] == "127.0.0.1:18082,127.0.0.1:18083"


def test_local_stripe_posts_to_the_endpoint_that_is_registered(tmp_path: Path) -> None:
    environment = build_environment(Folders(tmp_path), Ports(), server_urls=SERVERS, given={})
    registered = reverse(
        "djstripe:djstripe_webhook_by_uuid", kwargs={"uuid": webhook_endpoint.ENDPOINT_UUID}
    )
    assert environment["STRIPE_FAKE_WEBHOOK_URL"] == f"http://127.0.0.1:8000{registered}"
