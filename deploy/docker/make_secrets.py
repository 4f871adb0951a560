"""Makes up the secrets of a deployment, one file each, where the compose file looks for them.

    python3 -m deploy.docker.make_secrets

What exists already is kept, so it may be run again after an upgrade that asks for a new secret. It needs nothing
but Python's standard library.
"""

import base64
import secrets
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "secrets"
DATABASE: Final = "postgres://tollgate:{password}@postgres:5432/tollgate"
VALKEY: Final = "redis://:{password}@valkey:6379/{database}"
# From Stripe's dashboard; empty until somebody fills them in.
FROM_OUTSIDE: Final = ("stripe_secret_key", "stripe_webhook_secret", "email_host_password")


def new_secrets() -> dict[str, str]:
    """Return file names and contents; addresses contain the passwords of the servers they name."""
    database, valkey, rabbitmq = (secrets.token_urlsafe(32) for _ in range(3))
    return {
        "secret_key": secrets.token_urlsafe(64),
        "key_peppers": f"1:{secrets.token_urlsafe(32)}",
        "field_encryption_keys": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "authorizer_secret": secrets.token_urlsafe(32),
        "shipper_token": f"tgt_{secrets.token_urlsafe(32)}",
        "metrics_token": secrets.token_urlsafe(32),
        "database_password": database,
        "database_url": DATABASE.format(password=database),
        "valkey_password": valkey,
        "redis_url": VALKEY.format(password=valkey, database=0),
        "broker_url": VALKEY.format(password=valkey, database=1),
        "rabbitmq.conf": f"default_user = tollgate\ndefault_pass = {rabbitmq}",
        **dict.fromkeys(FROM_OUTSIDE, ""),
    }


def write_secrets(folder: Path = FOLDER) -> list[str]:
    """Write the secrets that are missing and return their names.

    Compose mounts the files with the owner and mode they have here, and the containers' user differs from
    yours: so the files can be read by all, and the folder can be entered by you only.

    Raises: FileExistsError when only one half of a password and its address exists.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    complete = new_secrets()
    missing = [name for name in complete if not (folder / name).exists()]
    for password, addresses in (
        ("database_password", {"database_url"}),
        ("valkey_password", {"redis_url", "broker_url"}),
    ):
        halves = addresses | {password}
        if halves & set(missing) and not halves <= set(missing):
            raise FileExistsError(
                f"{folder}: some of {', '.join(sorted(halves))} exist, some do not; "
                "they belong together: write the missing ones by hand, or remove all of them."
            )
    for name in missing:
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(complete[name] + "\n", encoding="utf-8")
        path.chmod(0o444)
    return missing


def main() -> int:
    """Write what is missing and say what was written; return the exit status."""
    try:
        written = write_secrets()
    except OSError as error:
        print(f"make_secrets: {error}", file=sys.stderr)
        return 1
    print(f"{FOLDER}: {', '.join(written) if written else 'nothing was missing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
