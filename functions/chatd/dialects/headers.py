"""Write the HTTP headers that every request to a provider has."""

from __future__ import annotations

from pydantic import SecretStr

from chatd import __version__
from chatd.config.catalog import Provider

# Some providers turn away clients without a name of their own, and pretending to be another
# gets accounts blocked (https://forum.moonshot.ai/t/421), so this is the gateway's own name.
USER_AGENT = f"chatd/{__version__}"


def base_headers(row: Provider, dialect: str, key: SecretStr | None) -> dict[str, str]:
    """Return the content type, the gateway's name and the key.

    Args:
        row: The provider's row, which names the header of the key.
        dialect: The dialect of the request.
        key: The provider's key, if it needs one.

    """
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    if key is not None:
        name = row.key_headers.get(dialect, "Authorization")
        secret = key.get_secret_value()
        headers[name] = f"Bearer {secret}" if name.lower() == "authorization" else secret
    return headers
