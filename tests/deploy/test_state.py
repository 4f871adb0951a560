import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import LauncherError
from deploy.local.identity import ServiceUser, can_reach, own_folder
from deploy.local.state import folder_elsewhere, open_state_folder, remove_state

STRANGER = ServiceUser(name="stranger", uid=65_534, gid=65_534)


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.parents)]


@pytest.fixture
def clone() -> Iterator[Path]:
    """A project whose path is short enough for sockets, as pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
        project = Path(folder) / "clone"
        project.mkdir()
        yield project


@pytest.fixture
def private_clone(clone: Path) -> Path:
    clone.parent.chmod(0o700)
    return clone


def test_state_is_in_the_clone_for_an_ordinary_user(clone: Path) -> None:
    state = open_state_folder(None, clone)
    assert state == clone / ".tollgate"
    assert not (clone / ".tollgate").is_symlink()


def test_state_is_elsewhere_when_the_servers_user_cannot_enter_the_clone(
    private_clone: Path,
) -> None:
    before = modes(private_clone)
    try:
        state = open_state_folder(STRANGER, private_clone)
        assert state == folder_elsewhere(private_clone)
        assert (private_clone / ".tollgate").readlink() == state
        assert can_reach(STRANGER, state / "anything")
        assert modes(private_clone) == before
        assert open_state_folder(STRANGER, private_clone) == state
    finally:
        removed = remove_state(private_clone)
    assert removed == [state]
    assert not state.exists()
    assert not (private_clone / ".tollgate").is_symlink()


def test_state_is_elsewhere_when_the_path_is_too_long_for_sockets(tmp_path: Path) -> None:
    project = tmp_path / ("long" * 20)
    project.mkdir()
    try:
        assert open_state_folder(None, project) == folder_elsewhere(project)
    finally:
        remove_state(project)


def test_state_folder_of_somebody_else_is_refused(private_clone: Path) -> None:
    place = folder_elsewhere(private_clone)
    place.symlink_to("/etc")
    try:
        with pytest.raises(LauncherError, match="is not our folder"):
            open_state_folder(STRANGER, private_clone)
    finally:
        place.unlink()


def test_state_folder_that_the_setting_names_is_used(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = clone.with_name("second")
    monkeypatch.setenv("TOLLGATE_STATE", str(second))
    assert open_state_folder(None, clone) == second
    assert not (clone / ".tollgate").exists()


def test_own_folder_gives_the_folder_away_only_as_root(tmp_path: Path) -> None:
    user = STRANGER if os.geteuid() == 0 else None
    folder = own_folder(tmp_path / "data", user)
    assert folder.stat().st_uid == (STRANGER.uid if user else os.getuid())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
