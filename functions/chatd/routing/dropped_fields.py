"""Refuse or drop the fields that a provider cannot honour, and name dropped ones in a header."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatd.config.provider import Provider
from chatd.errors import InvalidRequestError, one_of

# A field's name is the caller's text; only a harmless one goes into a header.
_HARMLESS = re.compile(r"[A-Za-z0-9_.$-]{1,50}")
_MAX_HEADER = 500
_MOST_NAMED = 10
# The beginning of the names of content, without which a chat would be another one.
_CONTENT = "messages."


def refused_fields(
    refused: tuple[str, ...], row: Provider, *, drop_params: bool
) -> tuple[str, ...]:
    """Return the fields that a provider cannot honour, to be dropped.

    Raises:
        InvalidRequestError: If there are any, and the deployment does not drop them; for content of
            a message in every deployment.

    """
    content = [name for name in refused if name.startswith(_CONTENT)]
    if content:
        raise InvalidRequestError(
            f"{row.name} cannot take {_some(content)}; send the chat to another provider",
            param=content[0],
            provider=row.name,
            code="unsupported_parameter",
        )
    if refused and not drop_params:
        raise InvalidRequestError(
            f"{row.name} cannot honour {_some(refused)}; leave it out, or let drop_params in"
            " chatd.toml drop it",
            param=refused[0][:50],
            provider=row.name,
            code="unsupported_parameter",
        )
    return refused


def named_in_header(dropped: Sequence[str]) -> dict[str, str]:
    """Return the response header that names dropped fields; empty without any."""
    if not dropped:
        return {}
    names = [name if _HARMLESS.fullmatch(name) else "?" for name in dropped]
    return {"x-chatd-dropped-params": ", ".join(names)[:_MAX_HEADER]}


def _some(fields: Sequence[str]) -> str:
    """List the first ten names, each cut to 50 characters: a request can have 100,000 fields."""
    more = f" and {len(fields) - _MOST_NAMED} more" if len(fields) > _MOST_NAMED else ""
    return one_of(name[:50] for name in fields[:_MOST_NAMED]) + more
