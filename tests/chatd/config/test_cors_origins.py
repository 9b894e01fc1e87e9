"""The list of browser origins that may call: its valid entries, and the origins of each entry."""

from __future__ import annotations

import pytest

from chatd.config.cors_origins import lets_in_every_page, lists, parsed


def test_a_list_is_parsed_with_spaces_and_empty_entries() -> None:
    assert parsed(" https://a.example ,, http://localhost:5173,") == (
        "https://a.example",
        "http://localhost:5173",
    )


@pytest.mark.parametrize(
    "entry",
    ["app://obsidian.md", "vscode-webview://*", "file://", "null", "*", "capacitor://localhost"],
)
def test_origins_of_desktop_apps_and_files_can_be_listed(entry: str) -> None:
    assert parsed(entry) == (entry,)


@pytest.mark.parametrize(
    "entry",
    [
        *("app.example", "https://app.example/", "https://app.example/path", "https://"),
        *("https://*", "http://*", "HTTPS://*", "https://*.example", "https://a@b", "**", "NULL"),
    ],
)
def test_an_entry_that_matches_no_origin_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match="is not an origin") as refusal:
        parsed(f"https://a.example,{entry}")

    assert repr(entry) in str(refusal.value)


@pytest.mark.parametrize(
    ("entry", "origin", "listed"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "http://a.example", False),
        ("vscode-webview://*", "vscode-webview://0f3a", True),
        ("vscode-webview://*", "https://0f3a", False),
        ("null", "null", True),
        ("*", "https://any.example", True),
        ("app://x", "null", False),
    ],
)
def test_an_origin_is_matched_whole_or_by_an_apps_scheme(
    entry: str, origin: str, listed: bool
) -> None:
    assert lists(parsed(entry), origin) is listed


@pytest.mark.parametrize(
    ("text", "every"), [("*", True), ("https://a.example,null", True), ("app://x", False)]
)
def test_a_list_that_admits_every_page_is_recognised(text: str, every: bool) -> None:
    assert lets_in_every_page(parsed(text)) is every
