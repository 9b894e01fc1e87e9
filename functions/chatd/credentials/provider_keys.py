"""Look up a provider's key: in Secrets Manager, then in the environment, then in a .env file.

A failed lookup is reported apart from a missing key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from chatd.config.provider import Provider
from chatd.credentials.secrets_manager import JsonSecret, SecretUnavailableError

_FRESH_SECONDS = 300.0


class _LookupFailedError(Exception):
    """A source of keys cannot be read, or holds a malformed key.

    Args:
        message: The reason, for callers.
        logged: The reason for the log, if more detailed.

    """

    def __init__(self, message: str, logged: str | None = None) -> None:
        super().__init__(message)
        self.logged = logged or message


@dataclass(frozen=True, slots=True, eq=False)
class ProviderKey:
    """The result of a lookup.

    Attributes:
        value: The key, or None.
        failure: A sentence on a failed source; a later source may still have the key.

    """

    value: SecretStr | None = None
    failure: str | None = None


class Credentials:
    """Look up keys, one provider at a time.

    Args:
        environ: The environment.
        secret: The secret with the keys, if the deployment has one.
        warn: Called with a sentence for each failure, once per lookup.
        clock: Monotonic seconds.

    """

    def __init__(
        self,
        environ: Mapping[str, str],
        secret: JsonSecret | None,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environ = environ
        self._secret = secret
        self._warn = warn
        self._clock = clock
        self._env_files: dict[str, tuple[float, Mapping[str, str | None]]] = {}

    def key_of(self, row: Provider) -> ProviderKey:
        """Look up a provider's key; the first source with a key counts."""
        if row.key_variable is None:
            return ProviderKey()
        failures = []
        for source in (self._in_secret, self._in_environment, self._in_env_file):
            try:
                value = source(row.key_variable, row)
            except _LookupFailedError as error:
                failures.append(str(error))
                self._warn(f"the key of {row.name!r}: {error.logged}")
                continue
            if value is not None:
                return ProviderKey(value, "; ".join(failures) or None)
        return ProviderKey(None, "; ".join(failures) or None)

    def renewed(self, row: Provider, refused: SecretStr | None) -> SecretStr | None:
        """Return a newer key than the refused one, if the secret has one."""
        if self._secret is None or not self._secret.expire():
            return None
        newer = self.key_of(row).value
        return None if newer == refused else newer

    def forget(self) -> None:
        """Drop all keys and lookup times."""
        self._env_files.clear()
        if self._secret is not None:
            self._secret.forget()

    def _in_secret(self, variable: str, _row: Provider) -> SecretStr | None:
        if self._secret is None:
            return None
        try:
            value = self._secret.read().get(variable)
        except SecretUnavailableError as error:
            raise _LookupFailedError(error.public, logged=str(error)) from None
        if self._secret.failure:
            self._warn(f"{self._secret.failure}; its last known value is used")
        if value is not None and not isinstance(value, str):
            raise _LookupFailedError(f"{variable} in the secret is not a string")
        return _usable(value, f"{variable} in the secret")

    def _in_environment(self, variable: str, _row: Provider) -> SecretStr | None:
        return _usable(self._environ.get(variable), f"{variable} in the environment")

    def _in_env_file(self, variable: str, row: Provider) -> SecretStr | None:
        values = self._env_file(row.env_file)
        return _usable(values.get(variable), f"{variable} in its env_file")

    def _env_file(self, path: str) -> Mapping[str, str | None]:
        read_at, values = self._env_files.get(path, (float("-inf"), {}))
        if self._clock() - read_at < _FRESH_SECONDS:
            return values
        values = _read_env_file(Path(path).expanduser())
        self._env_files[path] = (self._clock(), values)
        return values


def _read_env_file(path: Path) -> Mapping[str, str | None]:
    try:
        if not path.exists():
            return {}
        from dotenv import dotenv_values  # noqa: PLC0415  # a deployed function has no .env

        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        # The reason reaches callers, so it names no path.
        raise _LookupFailedError(f"its env_file cannot be read ({type(error).__name__})") from None


def _usable(value: str | None, where: str) -> SecretStr | None:
    """Return a key that a header can carry; None for an empty key."""
    value = (value or "").strip()
    if not value:
        return None
    if not value.isascii() or not value.isprintable():
        raise _LookupFailedError(f"{where} holds characters that a key cannot have")
    return SecretStr(value)
