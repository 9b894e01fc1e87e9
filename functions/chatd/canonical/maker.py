"""Tag a provider's signatures and encrypted reasoning with their maker.

Only the provider and model that made a signature accept it back, and a conversation may move to
another model between two turns. The gateway keeps no state of a conversation, so the token itself
names its maker (docs/decisions/0037-maker-tags.md).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_TAG = re.compile(r"chatd1\.([A-Za-z0-9_-]{1,600})\.", re.ASCII)


def tagged(maker: str, token: str) -> str:
    """Return the token with its maker, for a caller; an empty token stays empty.

    Args:
        maker: The provider and model, as `<provider>/<model>`.
        token: A signature, redacted thinking or encrypted content.

    """
    if not token:
        return token
    name = urlsafe_b64encode(maker.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return f"chatd1.{name}.{token}"


def untagged(text: str) -> tuple[str | None, str]:
    """Split a tagged token from a caller into its maker and the provider's token.

    Returns:
        The maker, or None for a token without a valid tag, and the token.

    """
    match = _TAG.match(text)
    if match is None:
        return None, text
    name = match[1]
    try:
        maker = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        return None, text
    return maker, text[match.end() :]
