"""The user that servers run as.

PostgreSQL refuses to run as root, and no server needs root's rights. When root starts the
launcher, PostgreSQL, Valkey and Caddy run as an existing low-privileged user.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import LauncherError

CANDIDATES: Final = ("nobody", "daemon")


@dataclass(frozen=True)
class ServiceUser:
    """An unprivileged user with an entry in the password database (PostgreSQL asks for one)."""

    name: str
    uid: int
    gid: int


def choose_service_user() -> ServiceUser | None:
    """Return the user to run servers as, or None when we are an ordinary user ourselves.

    Raises: LauncherError when root has no unprivileged user at hand.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return ServiceUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise LauncherError(
        f"Servers may not run as root and none of the users {', '.join(CANDIDATES)} exists; "
        "create one of them or start as an ordinary user."
    )


def can_reach(user: ServiceUser | None, path: Path) -> bool:
    """Tell whether `user` may enter every folder above `path`. No folder's mode is changed."""
    if user is None:
        return True
    return all(_may_enter(user, folder) for folder in path.resolve().parents)


def _may_enter(user: ServiceUser, folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def own_folder(path: Path, user: ServiceUser | None, *, mode: int = 0o700) -> Path:
    """Make `path` a folder that belongs to `user` (to us when None) and return it."""
    path.mkdir(parents=True, exist_ok=True)
    if user is not None and path.stat().st_uid != user.uid:
        os.chown(path, user.uid, user.gid)
    path.chmod(mode)
    return path
