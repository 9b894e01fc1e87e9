"""Test the validation of chatd.toml during the build."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy import check_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _build_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "functions")
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_chatd_toml_of_the_repository_is_valid() -> None:
    assert check_settings.main(str(ROOT / "chatd.toml")) == 0


def test_an_invalid_key_prints_one_line_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\nbase_ulr = 'x'\n")

    status = check_settings.main(str(config))
    lines = capsys.readouterr().err.splitlines()

    assert status == 1
    assert len(lines) == 1
    assert "providers.ollama.base_ulr" in lines[0]
