"""Unnamed fields are written only into their own dialect."""

from __future__ import annotations

from chatd.canonical.extra import (
    Extra,
    extra_of,
    extra_words,
    fields_for,
    nested_for,
    unnamed,
)

EXTRA = Extra("one", {"a": "x"}, {"function": {"b": "y", "c": 1}})


def test_fields_are_written_into_their_own_dialect() -> None:
    assert fields_for("one", EXTRA) == {"a": "x"}
    assert nested_for("one", EXTRA, "function") == {"b": "y", "c": 1}
    assert nested_for("one", EXTRA, "other") == {}


def test_no_field_is_written_into_another_dialect() -> None:
    assert fields_for("two", EXTRA) == {}
    assert nested_for("two", EXTRA, "function") == {}
    assert fields_for("one", None) == {}
    assert nested_for("one", None, "function") == {}


def test_every_field_has_a_path_and_every_text_is_listed() -> None:
    assert dict(EXTRA.paths()) == {"a": "x", "function.b": "y", "function.c": 1}
    assert {"x", "y"} <= set(extra_words(EXTRA))
    assert list(extra_words(None)) == []


def test_named_fields_are_omitted() -> None:
    assert unnamed({"a": 1, "b": 2}, {"b", "c"}) == {"a": 1}
    assert unnamed({"b": 2}, {"b", "c"}) == {}
    assert unnamed({}, {"b"}) == {}


def test_an_object_without_unnamed_fields_has_no_extra() -> None:
    assert extra_of("one", {"a": 1}, {"a"}) is None
    assert extra_of("one", {"a": 1}, {"a"}, function={}) is None

    own = extra_of("one", {"a": 1, "b": 2}, {"a"})
    assert own is not None
    assert (own.dialect, own.fields, own.nested) == ("one", {"b": 2}, {})
    within = extra_of("one", {"a": 1}, {"a"}, function={"c": 3}, other={})
    assert within is not None
    assert (within.fields, within.nested) == ({}, {"function": {"c": 3}})
