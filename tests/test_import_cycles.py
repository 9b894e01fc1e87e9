"""No module imports itself through other modules, in functions, local, deploy and bench.

An import inside a function counts. One for type checkers alone (`if TYPE_CHECKING:`) does not: it
never runs. Importing a submodule does not count as an import of its package: a package may import
its own modules.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

Graph = dict[str, set[str]]


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nodes_that_run(node: ast.AST) -> Iterable[ast.AST]:
    """A node and those inside it, without the blocks for type checkers alone."""
    yield node
    skipped: list[ast.stmt] = []
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        skipped = node.body
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from nodes_that_run(child)


def imported_names(path: Path, package: str) -> Iterable[tuple[str, str | None]]:
    """Each imported module, with the name that is imported from it, if any."""
    for node in nodes_that_run(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(relative, package)
            yield from ((origin, alias.name) for alias in node.names)


def import_graph(*folders: Path, root: Path) -> Graph:
    """Map each module of the folders to the modules of the folders that it imports."""
    paths = {module_name(path, root): path for folder in folders for path in folder.rglob("*.py")}
    graph: Graph = {}
    for module, path in paths.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        targets = {
            f"{origin}.{name}" if f"{origin}.{name}" in paths else origin
            for origin, name in imported_names(path, package)
        }
        graph[module] = (targets & paths.keys()) - {module}
    return graph


def grouped(graph: Mapping[str, set[str]], group: Callable[[str], str]) -> Graph:
    """Merge the modules of each group into one node."""
    merged: Graph = {}
    for module, targets in graph.items():
        merged.setdefault(group(module), set()).update(map(group, targets))
    return {name: targets - {name} for name, targets in merged.items()}


def find_cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one cycle, the first repeated at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def local_package(module: str) -> str:
    """The sub-package of local/ that a module is in; the module itself where it is in none."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import b", "import a"),
        ("from b import x", "def f():\n    from a import y"),
        ("import b.c", "from a import y"),
    ],
)
def test_a_cycle_is_found_also_through_an_import_in_a_function(
    tmp_path: Path, first: str, second: str
) -> None:
    (tmp_path / "a.py").write_text(first)
    target = tmp_path / "b"
    target.mkdir()
    (target / "__init__.py").write_text(second)
    (target / "c.py").write_text(second)

    cycle = find_cycle(import_graph(tmp_path, root=tmp_path))

    assert cycle[0] == cycle[-1]
    assert "a" in cycle


def test_an_import_for_type_checkers_alone_makes_no_cycle(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("if TYPE_CHECKING:\n    import b\nelse:\n    import c")
    (tmp_path / "b.py").write_text("import a")
    (tmp_path / "c.py").write_text("")

    graph = import_graph(tmp_path, root=tmp_path)

    assert graph == {"a": {"c"}, "b": {"a"}, "c": set()}


def test_a_package_that_imports_its_own_module_is_no_cycle(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "__init__.py").write_text("from b.c import x\nfrom . import d")
    (tmp_path / "b" / "c.py").write_text("from b import d")
    (tmp_path / "b" / "d.py").write_text("")
    graph = import_graph(tmp_path, root=tmp_path)

    assert graph == {"b": {"b.c", "b.d"}, "b.c": {"b.d"}, "b.d": set()}
    assert find_cycle(graph) == []


def test_the_functions_have_no_import_cycle() -> None:
    functions = ROOT / "functions"

    assert find_cycle(import_graph(functions, root=functions)) == []


@pytest.mark.parametrize("folder", ["local", "deploy", "bench"])
def test_a_tool_has_no_import_cycle(folder: str) -> None:
    graph = import_graph(ROOT / folder, root=ROOT)

    assert len(graph) > 10
    assert find_cycle(graph) == []


def test_the_packages_of_local_import_each_other_in_one_direction_only() -> None:
    packages = grouped(import_graph(ROOT / "local", root=ROOT), local_package)

    assert {"local.http_server", "local.workers", "local.aws"} <= packages.keys()
    assert find_cycle(packages) == []
    # The order: the command imports the HTTP server, and the HTTP server the workers.
    assert packages["local.http_server"] <= {"local.workers", "local.routes"}
    assert packages["local.workers"] == {"local.routes"}
