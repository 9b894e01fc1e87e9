"""Test the bytecode check at the end of `make build`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import check_bytecode


def write_module(folder: Path, *, compiled_by: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text("x = 1\n")
    (folder / "__init__.py").write_text("")  # nothing to compile
    if compiled_by:
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / "__pycache__" / f"app.{compiled_by}.pyc").write_bytes(b"")


@pytest.mark.parametrize(
    ("chat", "layer", "names"),
    [
        ("cpython-313", "cpython-313", []),
        ("cpython-313", None, ["VendorLayer"]),
        (None, "cpython-312", ["ChatFunction", "VendorLayer"]),
    ],
)
def test_uncompiled_functions_are_named_with_the_cost(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    chat: str | None,
    layer: str | None,
    names: list[str],
) -> None:
    write_module(tmp_path / "ChatFunction" / "chat", compiled_by=chat)
    write_module(tmp_path / "VendorLayer" / "python" / "pydantic", compiled_by=layer)
    (tmp_path / "template.yaml").write_text("{}")

    assert check_bytecode.main(str(tmp_path)) == 0

    printed = capsys.readouterr()
    if names:
        assert f"no bytecode for Lambda's Python 3.13 in {', '.join(names)}." in printed.err
        assert "two to three times as long" in printed.err
        assert "Install python3.13" in printed.err
    else:
        assert printed.out == "All code is compiled for Lambda's Python 3.13.\n"
        assert printed.err == ""
