"""Compare the keys that callers present with stored keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

# A fast hash is safe here, because a key of 32 random bytes cannot be guessed.
_KEY_BYTES = 32
_PEPPER_CHARACTERS = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CallersError(ValueError):
    """The callers' secret is malformed; the message quotes no content."""


def presented(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of a request: of `Authorization: Bearer`, then of `x-api-key`.

    Claude Code's apiKeyHelper sends one key in both headers, and a proxy or an SDK may add an
    `Authorization` of its own beside a valid `x-api-key`:
    https://github.com/langfuse/langfuse/issues/17781

    Args:
        headers: The request's headers, names in any case. Other schemes of Authorization are
            ignored.

    """
    lower = {name.lower(): value for name, value in headers.items()}
    scheme, _, token = lower.get("authorization", "").strip().partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return tuple(filter(None, (bearer, lower.get("x-api-key", "").strip())))


def new_key() -> str:
    """Make a caller key: the prefix `chatd-` and 256 random bits."""
    return f"chatd-{secrets.token_urlsafe(_KEY_BYTES)}"


@dataclass(frozen=True, slots=True, eq=False)
class Callers:
    """The known callers, by the keyed hashes of their keys.

    Attributes:
        pepper: The key of the hashes.
        digests: A caller's name to the HMAC-SHA256, in hex, of the caller's key.

    """

    pepper: SecretStr
    digests: Mapping[str, str]

    @classmethod
    def of_keys(cls, keys: Iterable[str]) -> Callers:
        """Name the callers of plain keys by number: caller-1, caller-2 and so on."""
        empty = cls(SecretStr(secrets.token_urlsafe(_KEY_BYTES)), {})
        digests = {f"caller-{n}": empty.digest(key) for n, key in enumerate(keys, start=1)}
        return cls(empty.pepper, digests)

    @classmethod
    def of_secret(cls, text: str) -> Callers:
        """Read the callers' secret: `{"pepper": "…", "callers": {"name": "hex"}}`.

        Raises:
            CallersError: If the secret holds anything else.

        """
        try:
            value = json.loads(text)
        except ValueError:
            raise CallersError("it is not JSON") from None  # the cause would quote the secret
        pepper = value.get("pepper") if isinstance(value, dict) else None
        callers = value.get("callers") if isinstance(value, dict) else None
        if not isinstance(pepper, str) or len(pepper) < _PEPPER_CHARACTERS:
            raise CallersError(f"its pepper is not a text of {_PEPPER_CHARACTERS} characters")
        if not isinstance(callers, dict):
            raise CallersError("its callers are not an object")
        for name, digest in callers.items():
            if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
                raise CallersError(f"the hash of its caller {name!r} is not 64 hex digits")
        return cls(SecretStr(pepper), callers)

    def name_of(self, key: str) -> str | None:
        """Return the caller of a key; compare all, so that the duration is constant."""
        presented_digest = self.digest(key)
        caller = None
        for name, digest in self.digests.items():
            if hmac.compare_digest(presented_digest, digest):
                caller = name
        return caller

    def first_of(self, keys: Iterable[str]) -> str | None:
        """Return the caller of the first known key; check all, so that the duration is constant."""
        names = [self.name_of(key) for key in keys]
        return next((name for name in names if name is not None), None)

    def digest(self, key: str) -> str:
        """Return the keyed hash of a key, in hex."""
        pepper = self.pepper.get_secret_value().encode()
        # A header may hold any text, half of a surrogate pair included.
        return hmac.new(pepper, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
