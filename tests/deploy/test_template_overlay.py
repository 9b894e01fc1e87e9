"""The second template is made of the first, and says so where it does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy import template_overlay
from deploy.template_overlay import OverlayError, apply_overlay, parse


@pytest.mark.parametrize(
    ("first", "over", "whole"),
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
def test_one_tree_is_laid_over_another(first: Any, over: Any, whole: Any) -> None:
    assert apply_overlay(first, over) == whole


@pytest.mark.parametrize(
    ("first", "over", "place"),
    [
        ({"a": {}}, {"a": {"b": None}}, "a.b"),
        ({"a": [1]}, {"a": {1: 2}}, "a.1"),
        ({"a": [1]}, {"a": {-2: None}}, "a.-2"),
        ({"a": [1]}, {"a": {"b": 2}}, "a.b"),
    ],
)
def test_what_fits_nothing_is_refused_by_its_place(first: Any, over: Any, place: str) -> None:
    with pytest.raises(OverlayError, match=rf"^instances.yaml: {place} is not in template.yaml$"):
        apply_overlay(first, over)


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


def test_the_template_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "second.yaml"

    assert template_overlay.main([str(file)]) == 0
    assert parse(file.read_text("utf-8"))["Resources"]["Capacity"]


def test_an_overlay_that_does_not_fit_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "template.yaml"
    first.write_text("Resources: {}\n")
    monkeypatch.setattr(template_overlay, "TEMPLATE", first)

    assert template_overlay.main([str(tmp_path / "second.yaml")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
