"""docs/errors.md lists the classes of chatd/errors.py with their codes and statuses."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatd
from chatd import errors
from chatd.errors import ChatdError

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (?P<status>[^|]+) \| (?P<codes>[^|]+) \| (?P<kind>[^|]+) \| [^|]+ \|$", re.MULTILINE
)


def kinds(kind: type[ChatdError] = ChatdError) -> Iterator[type[ChatdError]]:
    """Yield the package's subclasses; other tests may have imported those of make run."""
    for child in kind.__subclasses__():
        if child.__module__.partition(".")[0] == "chatd":
            yield child
            yield from kinds(child)


def rows() -> list[tuple[str, list[str], str]]:
    """List each row's status, codes and class; the class is empty where the row has none."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    found = [
        (row["status"], re.findall(r"`([^`]+)`", row["codes"]), row["kind"].strip("`– "))
        for row in ROW.finditer(text)
        if row["status"] not in ("Status", "---")
    ]
    assert len(found) > 20
    return found


def source() -> str:
    return "".join(path.read_text("utf-8") for path in (ROOT / "functions" / "chatd").rglob("*.py"))


@pytest.mark.parametrize(("status", "codes", "kind"), rows(), ids=str)
def test_a_row_has_the_status_and_code_of_its_class(
    status: str, codes: list[str], kind: str
) -> None:
    if kind:
        cls = getattr(errors, kind)
        # A code may be more precise than the class's own.
        assert status.split(",", maxsplit=1)[0] == str(cls.status)
        candidates = {cls.default_code}
    else:
        candidates = {
            cls.default_code for cls in kinds() if status in (str(cls.status), "in the log")
        }

    assert all(code in candidates or f'"{code}"' in source() for code in codes)
    if kind and cls.default_code not in codes:
        others = {code for _, more, name in rows() if name == kind for code in more}
        assert cls.default_code in others


def test_every_class_has_a_row_with_its_code_and_status() -> None:
    documented = {
        (status.split(",")[0], code, kind) for status, codes, kind in rows() for code in codes
    }
    # Stream failover handles the first two itself; only `make run` raises the last.
    internal = {"DivergedError", "PrefillUnclearError", "MethodNotAllowedError"}
    missing = [
        kind.__name__
        for kind in kinds()
        if kind.__name__ not in internal
        and (str(kind.status), kind.default_code, kind.__name__) not in documented
        and (str(kind.status), kind.default_code, "") not in documented
    ]

    assert missing == []


def test_every_class_is_in_errors_py_and_in_its_tree() -> None:
    for module in pkgutil.walk_packages(chatd.__path__, "chatd."):
        if not module.name.startswith("chatd.aws_lambda.runtime"):  # they run only on Lambda
            importlib.import_module(module.name)
    tree = dict(re.findall(r"── (\w+Error) +(\d{3})", str(errors.__doc__)))

    assert {kind.__name__: kind.__module__ for kind in kinds()} == dict.fromkeys(
        tree, "chatd.errors"
    )
    assert {kind.__name__: str(kind.status) for kind in kinds()} == tree


def test_the_tree_of_the_docstring_shows_the_base_classes() -> None:
    parents: list[str] = []
    found = {}
    for line in str(errors.__doc__).splitlines():
        match = re.match(r"^    ((?:│   |    )*)[├└]── (\w+)", line)
        if match:
            depth = len(match[1]) // 4
            parents[depth:] = [match[2]]
            found[match[2]] = parents[depth - 1] if depth else "ChatdError"

    assert found == {kind.__name__: kind.__base__.__name__ for kind in kinds() if kind.__base__}
