"""Generate mutants: small changes of the code, each of which some test should detect.

A mutant replaces the text of one node of a module's syntax tree; the rest of the file is unchanged.
Types, docstrings, assertions and texts of messages are not mutated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}
_OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SAYS = {"warn", "warning", "error", "exception", "print", "debug", "info", "format", "repr"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module.

    Attributes:
        path: The module, below the repository's root.
        line: The first changed line, from 1.
        last_line: The last changed line.
        kind: The kind of change.
        start: The start of the replaced text, in bytes.
        end: The end of the replaced text, in bytes.
        new: The new text.

    """

    path: str
    line: int
    last_line: int
    kind: str
    start: int
    end: int
    new: str

    def applied(self, source: bytes) -> bytes:
        """Return the module's text with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def change(self, source: bytes) -> tuple[str, str]:
        """Return the changed lines before and after, without their indentation."""
        after = self.applied(source)
        first = source.rfind(b"\n", 0, self.start) + 1
        end = source.find(b"\n", self.end)
        rest = len(source) - end if end >= 0 else 0
        old, new = source[first : len(source) - rest], after[first : len(after) - rest]
        return _joined(old), _joined(new)

    def diff(self, source: bytes) -> str:
        """Return the change as a unified diff."""
        before = source.decode().splitlines(keepends=True)
        after = self.applied(source).decode().splitlines(keepends=True)
        return "".join(unified_diff(before, after, self.path, self.path, n=2))


def of_module(root: Path, path: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of the text."""
    source = (root / path).read_bytes()
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found), key=lambda mutant: (mutant.start, mutant.end, mutant.new))


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def visit_Compare(self, node: ast.Compare) -> None:
        for number, operator in enumerate(node.ops):
            other = _COMPARISONS.get(type(operator))
            if other and not self._is_of_a_clock(node, operator):
                operators = [*node.ops[:number], other(), *node.ops[number + 1 :]]
                self._swap("comparison", node, ast.Compare(node.left, operators, node.comparators))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._swap("and or", node, ast.BoolOp(other, node.values))
        for number in range(len(node.values)):
            rest = [*node.values[:number], *node.values[number + 1 :]]
            kept = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            self._swap("operand removed", node, kept)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._swap("not removed", node, node.operand)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if other := _SUMS.get(type(node.op)):
            self._swap("operator", node, ast.BinOp(node.left, other(), node.right))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._swap("constant", node, ast.Constant(value=not value))
        elif isinstance(value, int | float):
            self._swap("constant", node, ast.Constant(value + 1))
        elif isinstance(value, str | bytes) and value:
            more: str | bytes = f"{value}x" if isinstance(value, str) else value + b"x"
            self._swap("constant", node, ast.Constant(more))

    def visit_If(self, node: ast.If) -> None:
        if not _is_for_types(node):
            self._negated(node.test)
            self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._negated(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._swap("branches", node, ast.IfExp(node.test, node.orelse, node.body))
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Constant) and node.value.value is False:
            self._swap("return True", node, ast.Return(ast.Constant(value=True)))
        elif node.value is not None and not _is_none(node.value):
            self._swap("return None", node, ast.Return(None))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._swap("call removed", node, ast.Pass())
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._swap("raise removed", node, ast.Pass())

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name in _OPPOSITES:
            self._swap("opposite", node.func, ast.Name(_OPPOSITES[name]))
        called = node.func.attr if isinstance(node.func, ast.Attribute) else name
        if called not in _SAYS:
            self.generic_visit(node)

    def visit_With(self, node: ast.With) -> None:
        first, last = node.items[0].context_expr, node.items[-1].context_expr
        text = self._text(first, last)
        if "lock" in text or "_writing" in text:
            start, _ = self._span(node)
            self._add("lock removed", node.lineno, start, self._span(last)[1], "if True")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._swap("break", node, ast.Continue())

    def visit_Continue(self, node: ast.Continue) -> None:
        self._swap("continue", node, ast.Break())

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id.isupper() for target in node.targets):
            self._attribute_kept(node)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._in_annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """Skip a parameter's type."""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for child in node.body:  # without decorators
            self.visit(child)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for child in (*node.args.defaults, *(d for d in node.args.kw_defaults if d), *node.body):
            self.visit(child)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Skip assertions."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip texts of messages."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Skip imports: every test detects a failing import."""

    def _is_of_a_clock(self, node: ast.Compare, operator: ast.cmpop) -> bool:
        """Return whether the comparison is with a time, which no clock reaches exactly."""
        bound = isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        return bound and bool(
            re.search(r"monotonic\(|clock\(|\.left\(|\.at\b", self._text(node, node))
        )

    def _attribute_kept(self, node: ast.Assign) -> None:
        """Add a mutant that does not assign the attribute."""
        if any(isinstance(target, ast.Attribute) for target in node.targets):
            self._swap("assignment removed", node, ast.Pass())

    def _in_annotation(self, node: ast.expr) -> None:
        """Visit the bounds of pydantic's fields, and no types."""
        for child in ast.walk(node):
            if isinstance(child, ast.Call):
                for given in child.keywords:
                    self.visit(given.value)

    def _negated(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.UnaryOp | ast.Constant | ast.NamedExpr):
            self._swap("negated", test, ast.UnaryOp(ast.Not(), test))

    def _swap(self, kind: str, old: ast.expr | ast.stmt, new: ast.AST) -> None:
        start, end = self._span(old)
        text = ast.unparse(ast.fix_missing_locations(new))
        if isinstance(old, ast.expr) and not isinstance(new, ast.Name):
            text = f"({text})"
        self._add(kind, old.lineno, start, end, text)

    def _add(self, kind: str, line: int, start: int, end: int, new: str) -> None:
        if self._source[start:end].decode() != new:
            last = line + self._source.count(b"\n", start, end)
            self.found.append(Mutant(self._path, line, last, kind, start, end, new))

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None  # parsed nodes have a position
        assert node.end_col_offset is not None
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, first: ast.expr, last: ast.expr) -> str:
        return self._source[self._span(first)[0] : self._span(last)[1]].decode()


def _is_for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _joined(text: bytes) -> str:
    return " ".join(text.decode().split())


def modules(root: Path, folder: str) -> Iterator[str]:
    """Yield the paths of a folder's modules, relative to the root."""
    for path in sorted((root / folder).rglob("*.py")):
        yield path.relative_to(root).as_posix()
