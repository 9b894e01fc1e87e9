"""Write the HTTP headers that every request to a provider has."""

from __future__ import annotations

import hashlib

from pydantic import SecretStr

from chatd import __version__
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider

# Some providers turn away clients without a name of their own, and pretending to be another
# gets accounts blocked (https://forum.moonshot.ai/t/421), so this is the gateway's own name.
USER_AGENT = f"chatd/{__version__}"


def base_headers(
    row: Provider, dialect: str, key: SecretStr | None, request: ChatRequest | None = None
) -> dict[str, str]:
    """Return the content type, the gateway's name, the key and the session.

    Args:
        row: The provider's row, which names the header of the key.
        dialect: The dialect of the request.
        key: The provider's key, if it needs one.
        request: The chat, for a provider that needs the name of its conversation.

    """
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    if key is not None:
        name = row.key_headers.get(dialect, "Authorization")
        secret = key.get_secret_value()
        headers[name] = f"Bearer {secret}" if name.lower() == "authorization" else secret
    if row.session_header is not None and request is not None:
        headers[row.session_header] = session_of(request)
    return headers


def session_of(request: ChatRequest) -> str:
    """Return a name of the conversation that is equal for all its turns: a hash of its beginning.

    OpenCode Go needs it: https://github.com/anomalyco/opencode/issues/47763
    """
    beginning = hashlib.sha256(request.model.encode("utf-8", "surrogatepass"))
    for message in request.messages:
        turn = f"\0{message.role}\0{message.text}"
        beginning.update(turn.encode("utf-8", "surrogatepass"))
        if message.role == "user":
            break
    return beginning.hexdigest()[:32]
