"""Parse the list of browser origins that may call, and match an origin with the list.

A browser sends the origin of a page in the `Origin` header: `https://app.example`, a desktop app's
`app://obsidian.md`, or `null` for a page that was opened from a file.
https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ANY = "*"
# Browsers send it for a page opened from a file, and for a sandboxed frame of any web page.
OPAQUE = "null"
# `scheme://*` lists every origin of an app's own scheme: VS Code draws a webview's host at random.
_EVERY_HOST = "://*"
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/?#@\\*]*|\*)")
_WEB = ("http", "https")


def parsed(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of origins, such as `CHATD_CORS_ORIGINS`.

    Raises:
        ValueError: If an entry can match no origin; the message names it.

    """
    entries = tuple(entry for entry in map(str.strip, text.split(",")) if entry)
    for entry in entries:
        if entry in (ANY, OPAQUE):
            continue
        scheme, _, host = entry.partition("://")
        bare = scheme.lower() in _WEB and host in ("", "*")
        if bare or not _ORIGIN.fullmatch(entry):
            raise ValueError(
                f"{entry[:100]!r} is not an origin; write scheme://host or scheme://host:port"
                " without a path, app-scheme://* for every host of a desktop app, null, or *"
            )
    return entries


def lists(origins: Iterable[str], origin: str) -> bool:
    """Whether a parsed list holds the origin that a browser sent."""
    scheme = origin.partition("://")[0]
    return any(entry in (ANY, origin, f"{scheme}{_EVERY_HOST}") for entry in origins)


def lets_in_every_page(origins: Iterable[str]) -> bool:
    """Whether any web page can call: `*` lists all, and `null` all that use a sandboxed frame."""
    return any(entry in (ANY, OPAQUE) for entry in origins)
