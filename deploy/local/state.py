"""The state folder: everything that a run leaves behind, in one place that `make clean` removes.

It is `.tollgate` in the clone. When the servers' user cannot enter the clone (root's clone under
a 0700 folder), or its path is too long for the sockets in it, it is a folder in /var/tmp and
`.tollgate` is a link to it.
"""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from deploy.local.errors import LauncherError
from deploy.local.identity import ServiceUser, can_reach

PROJECT: Final = Path(__file__).resolve().parents[2]
LINK_NAME: Final = ".tollgate"
# A socket's path may have 107 characters; the longest below the state folder takes 25 of them.
MAX_PATH_CHARS: Final = 80
STATE_SETTING: Final = "TOLLGATE_STATE"
ELSEWHERE: Final = Path("/var/tmp")  # noqa: S108 -- the folder in it is ours alone, checked below


def open_state_folder(user: ServiceUser | None, project: Path = PROJECT) -> Path:
    """Return the state folder, made if it is missing, such that `user` can enter it.

    TOLLGATE_STATE names another one, for a second stack beside the first.

    Raises: LauncherError when the place is taken by something that is not ours.
    """
    named = os.environ.get(STATE_SETTING)
    if named:
        return _open_named(user, Path(named).absolute())
    link = project / LINK_NAME
    if can_reach(user, link) and len(str(link.absolute())) <= MAX_PATH_CHARS:
        folder = link
    else:
        folder = folder_elsewhere(project)
        _point(link, folder)
    return _make_ours(folder)


def _open_named(user: ServiceUser | None, folder: Path) -> Path:
    if not can_reach(user, folder) or len(str(folder)) > MAX_PATH_CHARS:
        raise LauncherError(
            f"{STATE_SETTING}={folder} is too long a path, or one that the servers' user "
            "cannot enter; name another folder."
        )
    return _make_ours(folder)


def _make_ours(folder: Path) -> Path:
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    require_ours(folder)
    folder.chmod(0o711)
    return folder.resolve()


def folder_elsewhere(project: Path = PROJECT) -> Path:
    """Return the place of the state when the clone cannot hold it."""
    key = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:12]
    return ELSEWHERE / f"tollgate-{os.getuid()}-{key}"


def require_ours(folder: Path) -> None:
    """Refuse a folder that another user could have put there.

    Raises: LauncherError when `folder` is not a folder of ours.
    """
    status = folder.stat() if folder.name == LINK_NAME else folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise LauncherError(f"{folder} exists and is not our folder; remove it and start again.")


def remove_state(project: Path = PROJECT) -> list[Path]:
    """Remove the state folder, and the link to it; return what was removed."""
    link = project / LINK_NAME
    folders = [folder_elsewhere(project)]
    if link.is_symlink():
        folders.append(link.readlink())
        link.unlink()
    else:
        folders.append(link)
    removed = []
    for folder in dict.fromkeys(folders):
        if folder.is_dir() and not folder.is_symlink():
            require_ours(folder)
            shutil.rmtree(folder)
            removed.append(folder)
    return removed


def _point(link: Path, folder: Path) -> None:
    if link.is_symlink() and link.readlink() == folder:
        return
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise LauncherError(
            f"{link} was made when the servers could reach it and now they cannot; "
            "run `make clean` once."
        )
    link.symlink_to(folder)
