"""The check of chatd.toml that the build makes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy import check_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _where_a_build_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "functions")
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_this_repository_s_own_is_right() -> None:
    assert check_settings.main(str(ROOT / "chatd.toml")) == 0


def test_a_mistake_is_one_line_that_names_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\nbase_ulr = 'x'\n")

    status = check_settings.main(str(config))
    lines = capsys.readouterr().err.splitlines()

    assert status == 1
    assert len(lines) == 1
    assert "providers.ollama.base_ulr" in lines[0]
