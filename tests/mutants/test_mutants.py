"""`make mutants` finds, draws and judges changes."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.mutants import Mutant, modules, of_module
from tests.mutants.run import Copy, UnsoundError
from tests.mutants.selection import drawn, equivalents, nearest

ROOT = Path(__file__).parents[2]


def changed(tmp_path: Path, code: str) -> set[tuple[str, str]]:
    """Return the kinds of change and the changed lines of some code."""
    (tmp_path / "m.py").write_text(code)
    source = code.encode()
    return {(mutant.kind, mutant.change(source)[1]) for mutant in of_module(tmp_path, "m.py")}


@pytest.mark.parametrize(
    ("code", "kind", "new"),
    [
        ("x = a < b", "comparison", "x = (a <= b)"),
        ("x = a and b", "and or", "x = (a or b)"),
        ("x = a and b", "operand removed", "x = b"),
        ("x = not a", "not removed", "x = a"),
        ("if a:\n    f()", "negated", "if (not a):"),
        ("f(1)", "call removed", "pass"),
        ("f(1)", "constant", "f((2))"),
        ("def f():\n    return 'é'", "return None", "return"),
        ("def f():\n    return False", "return True", "return True"),
        ("def f():\n    raise E", "raise removed", "pass"),
        ("with self._lock:\n    f()", "lock removed", "if True:"),
        ("x = min(a, b)", "opposite", "x = max(a, b)"),
        ("x = a - b", "operator", "x = (a + b)"),
        ("x = a if b else c", "branches", "x = (c if b else a)"),
        ("self.x = a", "assignment removed", "pass"),
        ("x: Annotated[int, Field(gt=0)]", "constant", "x: Annotated[int, Field(gt=(1))]"),
    ],
)
def test_a_change_is_found(tmp_path: Path, code: str, kind: str, new: str) -> None:
    assert (kind, new) in changed(tmp_path, code)


@pytest.mark.parametrize(
    "code",
    [
        '"""A docstring."""',
        "def f(x: int) -> str:\n    ...",
        "x: Literal['a', 'b']",
        "if TYPE_CHECKING:\n    import a",
        "assert a == b",
        "x = f'{a} words'",
        "x = time.monotonic() < a",
        "@dataclass(frozen=True)\nclass A:\n    ...",
        "with open(a) as b:\n    ...",
        "from a import b",
    ],
)
def test_docstrings_types_and_messages_are_not_mutated(tmp_path: Path, code: str) -> None:
    assert changed(tmp_path, code) <= {("call removed", "pass")}


def test_every_change_is_valid_syntax() -> None:
    path = "functions/chatd/transport/http_client.py"
    source = (ROOT / path).read_bytes()

    for mutant in of_module(ROOT, path):
        ast.parse(mutant.applied(source))


def test_a_seed_draws_the_same_mutants_and_another_seed_others() -> None:
    def draw(seed: int) -> list[Mutant]:
        return drawn(ROOT, "functions/chatd/idempotency", 10, seed=seed, harmful=False)

    assert draw(1) == draw(1) != draw(2)
    assert len(draw(1)) == 10


def test_the_harm_set_is_drawn_where_a_fault_does_harm() -> None:
    paths = {m.path for m in drawn(ROOT, "functions", 50, seed=1, harmful=True)}

    assert not paths & {
        "functions/chatd/config/catalog.py",
        "functions/chatd/discovery/provider_list.py",
    }


@pytest.mark.parametrize("equivalent", equivalents(), ids=lambda e: f"{e.path}: {e.old}")
def test_every_equivalent_is_a_change_of_the_current_code(equivalent: object) -> None:
    (known,) = [one for one in equivalents() if one is equivalent]
    source = (ROOT / known.path).read_bytes()

    assert known.reason
    assert any(known.covers(mutant, source) for mutant in of_module(ROOT, known.path))


def test_a_modules_tests_have_its_name_or_import_the_module() -> None:
    named, importing = nearest(ROOT, "functions/chatd/transport/watchdog.py")
    of_package, _ = nearest(ROOT, "functions/chatd/idempotency/execution.py")

    assert "tests/chatd/transport/test_watchdog.py" in named
    assert "tests/chatd/test_gateway.py" not in named + importing
    assert "tests/chatd/idempotency/test_execution.py" in of_package
    assert "tests/chatd/test_gateway.py" in nearest(ROOT, "functions/chatd/gateway.py")[0]


def test_every_test_and_module_of_the_map_exists() -> None:
    with (ROOT / "tests" / "mutants" / "map.toml").open("rb") as file:
        tables = tomllib.load(file)
    paths = {path for folder in ("functions", "local") for path in modules(ROOT, folder)}

    for table in tables.values():
        for prefix, tests in table.items():
            assert any(path.startswith(prefix) for path in paths), prefix
            assert [test for test in tests if not (ROOT / test).exists()] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Create a repository with one module and one test."""
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "limits.py").write_text(
        "def allowed(n):\n    return n < 10 and n != 3\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_limits.py").write_text(
        "import logging\nfrom limits import allowed\n\ndef test_it():\n"
        "    logging.error('a line that is captured')\n"
        "    assert allowed(9) and not allowed(10)\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = "functions"\n'
    )
    return tmp_path


def test_a_change_is_killed_by_a_test_that_fails_and_survives_tests_that_pass(small: Path) -> None:
    (path,) = modules(small, "functions")
    copy = Copy(small)
    changes = {mutant.new: mutant for mutant in of_module(small, path)}

    assert copy.judge(changes["(n <= 10)"]).killer == "tests/test_limits.py::test_it"
    assert copy.judge(changes["(n < 10)"]).killer is None
    assert (small / path).read_text() == "def allowed(n):\n    return n < 10 and n != 3\n"


def test_tests_that_fail_without_a_change_are_unsound(small: Path) -> None:
    (small / "tests" / "test_limits.py").write_text("def test_it():\n    assert False\n")
    mutant, *_ = of_module(small, "functions/limits.py")

    with pytest.raises(UnsoundError, match="test_it"):
        Copy(small).judge(mutant)


def test_tests_that_time_out_without_a_change_are_unsound(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_LONGEST_SECONDS", 0.01)
    mutant, *_ = of_module(small, "functions/limits.py")

    with pytest.raises(UnsoundError, match="took more than"):
        Copy(small).judge(mutant)
