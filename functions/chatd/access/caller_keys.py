"""Who may call: keys that callers show, and the keyed hashes that they are compared with.

It knows neither where the hashes are kept nor how a refusal is answered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

# 32 random bytes each. A hash this fast is safe only because no key can be guessed.
_KEY_BYTES = 32
_PEPPER_CHARACTERS = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CallersError(ValueError):
    """What should hold the callers' hashes does not. The message holds nothing of it."""


def presented(headers: Mapping[str, str]) -> str | None:
    """The key that a request shows, or None.

    Args:
        headers: The request's headers, names in any case. `Authorization: Bearer` comes before
            `x-api-key`; another scheme of Authorization is none of ours.

    """
    lower = {name.lower(): value for name, value in headers.items()}
    scheme, _, token = lower.get("authorization", "").strip().partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return bearer or lower.get("x-api-key", "").strip() or None


def new_key() -> str:
    """A key for a caller: 256 random bits that say whose they are."""
    return f"chatd-{secrets.token_urlsafe(_KEY_BYTES)}"


@dataclass(frozen=True, slots=True, eq=False)
class Callers:
    """The callers that are known, by the keyed hashes of their keys.

    Attributes:
        pepper: The hashes' key.
        digests: A caller's name to the HMAC-SHA256, in hex, of the caller's key.

    """

    pepper: SecretStr
    digests: Mapping[str, str]

    @classmethod
    def of_keys(cls, keys: Iterable[str]) -> Callers:
        """Callers named caller-1, caller-2, … of keys that are known in the clear."""
        empty = cls(SecretStr(secrets.token_urlsafe(_KEY_BYTES)), {})
        digests = {f"caller-{n}": empty.digest(key) for n, key in enumerate(keys, start=1)}
        return cls(empty.pepper, digests)

    @classmethod
    def of_secret(cls, text: str) -> Callers:
        """Read what the callers' secret holds: `{"pepper": "…", "callers": {"name": "hex"}}`.

        Raises:
            CallersError: If it holds anything else.

        """
        try:
            value = json.loads(text)
        except ValueError:
            raise CallersError("it is not JSON") from None  # its text must not travel on
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
        """Whose key this is. Every caller is compared, so that the time taken tells nothing."""
        shown = self.digest(key)
        found = None
        for name, digest in self.digests.items():
            if hmac.compare_digest(shown, digest):
                found = name
        return found

    def digest(self, key: str) -> str:
        """The keyed hash of a key, in hex."""
        pepper = self.pepper.get_secret_value().encode()
        # A header may hold anything, half of a surrogate pair included.
        return hmac.new(pepper, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
