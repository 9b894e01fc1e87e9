"""Test the generation of the template for Managed Instances from the overlay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy import template_overlay
from deploy.template_overlay import OverlayError, apply_overlay, parse


@pytest.mark.parametrize(
    ("base", "overlay", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": None}}, {"a": {"b": 1}}),
        ({"a": 1}, {"b": {"c": 2}}, {"a": 1, "b": {"c": 2}}),
        ({"a": [1, 2, 3]}, {"a": {0: 9, 2: None}}, {"a": [9, 2]}),
        ({"a": [{"b": 1}]}, {"a": {0: {"c": 2}}}, {"a": [{"b": 1, "c": 2}]}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [1, 2, 3]}, {"a": {-1: None}}, {"a": [1, 2]}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_an_overlay_changes_removes_and_replaces(base: Any, overlay: Any, merged: Any) -> None:
    assert apply_overlay(base, overlay) == merged


@pytest.mark.parametrize(
    ("base", "overlay", "path"),
    [
        ({"a": {}}, {"a": {"b": None}}, "a.b"),
        ({"a": [1]}, {"a": {1: 2}}, "a.1"),
        ({"a": [1]}, {"a": {-2: None}}, "a.-2"),
        ({"a": [1]}, {"a": {"b": 2}}, "a.b"),
    ],
)
def test_an_overlay_path_missing_from_the_template_is_an_error(
    base: Any, overlay: Any, path: str
) -> None:
    with pytest.raises(
        OverlayError, match=rf"^managed_instances.yaml: {path} is not in template.yaml$"
    ):
        apply_overlay(base, overlay)


def test_short_tags_become_long_forms() -> None:
    text = """
ref: !Ref X
get: !GetAtt X.Outputs.Arn
list: !GetAtt [X, Arn]
sub: !Sub "${X}"
choice: !If [C, !Ref A, !Split [",", !Ref B]]
condition: !Condition C
transform: !Transform {Name: T}
"""

    assert parse(text) == {
        "ref": {"Ref": "X"},
        "get": {"Fn::GetAtt": ["X", "Outputs.Arn"]},
        "list": {"Fn::GetAtt": ["X", "Arn"]},
        "sub": {"Fn::Sub": "${X}"},
        "choice": {"Fn::If": ["C", {"Ref": "A"}, {"Fn::Split": [",", {"Ref": "B"}]}]},
        "condition": {"Condition": "C"},
        "transform": {"Fn::Transform": {"Name": "T"}},
    }


def test_the_template_is_written_to_the_given_file(tmp_path: Path) -> None:
    file = tmp_path / "instances.yaml"

    assert template_overlay.main([str(file)]) == 0
    assert parse(file.read_text("utf-8"))["Resources"]["Capacity"]


def test_a_mismatched_overlay_prints_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "template.yaml"
    base.write_text("Resources: {}\n")
    monkeypatch.setattr(template_overlay, "TEMPLATE", base)

    assert template_overlay.main([str(tmp_path / "instances.yaml")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
