"""Only the user can read a run's folder, which the end of the run or the next start removes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from local.run_folder import run_folder
from tests.local.conftest import ROOT, SCRIPTED, Start, environment


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_only_the_user_can_read_the_folder_and_the_end_removes_it(temporary: Path) -> None:
    with run_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


def test_the_next_start_removes_the_folder_of_a_killed_run(start: Start, tmp_path: Path) -> None:
    first = start(*SCRIPTED, TMPDIR=str(tmp_path))
    (left,) = tmp_path.glob("chatd-run-*")
    (left / "idempotency.sqlite3").write_text("answers")
    first.stop(signal.SIGKILL)
    assert left.exists()
    second = start(*SCRIPTED, TMPDIR=str(tmp_path))

    assert not left.exists()
    assert len(list(tmp_path.glob("chatd-run-*"))) == 1
    assert second.run_action("report").status == 200


def test_the_folder_of_a_current_run_stays(temporary: Path) -> None:
    script = (
        "from local.run_folder import run_folder\n"
        "with run_folder() as folder: print(folder, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment(TMPDIR=str(temporary)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdin
        theirs = Path(other.stdout.readline().strip())
        with run_folder():
            assert theirs.exists()
        other.stdin.write("\n")
        other.stdin.close()
    assert other.returncode == 0


def test_files_and_folders_of_other_origin_stay(temporary: Path) -> None:
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / "lock").touch()
    (temporary / "chatd-run-link").symlink_to(temporary / "elsewhere")
    (temporary / "chatd-run-unlocked").mkdir()
    (temporary / "chatd-run-led-away").mkdir()
    (temporary / "chatd-run-led-away" / "lock").symlink_to(temporary / "elsewhere" / "lock")
    (temporary / "chatd-run-file").touch()
    (temporary / "chatd-other").mkdir()
    before = sorted(temporary.rglob("*"))
    with run_folder():
        pass

    assert sorted(temporary.rglob("*")) == before


def test_the_folder_of_another_user_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = temporary / "chatd-run-theirs"
    theirs.mkdir()
    (theirs / "lock").touch()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
        with run_folder():
            pass
    assert theirs.exists()
    with run_folder():
        pass

    assert not theirs.exists()
