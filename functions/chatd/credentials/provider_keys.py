"""Look up a provider's key: in Secrets Manager, then in the environment, then in a .env file.

A failed lookup is reported apart from a missing key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from chatd.config.provider import Provider
from chatd.credentials.provider_key import ProviderKey
from chatd.credentials.secrets_manager import JsonSecret, SecretUnavailableError

if TYPE_CHECKING:
    from chatd.credentials.aws_keys import AwsKeys
    from chatd.transport.http_client import Transport

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


_NO_KEY = ProviderKey()


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The content of a source of keys, or the failure to read the source.

    Attributes:
        where: Where a key of the source is, for messages.
        values: The keys by their variables.
        failure: Why the source cannot be read, for callers; None if it can.
        logged: The failure for the log.

    """

    where: str
    values: Mapping[str, Any]
    failure: str | None = None
    logged: str | None = None

    def key(self, variable: str) -> SecretStr | None:
        """Return a key that a header can carry; None without one.

        Raises:
            _LookupFailedError: If the source cannot be read, or the key is malformed.

        """
        if self.failure is not None:
            raise _LookupFailedError(self.failure, self.logged)
        value = self.values.get(variable)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _LookupFailedError(f"{variable} {self.where} is not a string")
        value = value.strip()
        if not value.isascii() or not value.isprintable():
            raise _LookupFailedError(
                f"{variable} {self.where} holds characters that a key cannot have"
            )
        return SecretStr(value) if value else None


_NO_SOURCE = _Source("", {})


class Credentials:
    """Look up keys.

    Args:
        environ: The environment; it is copied, but for the credentials of AWS, which change.
        secret: The secret with the keys, if the deployment has one.
        warn: Called with a sentence for each failure, once per lookup.
        clock: Monotonic seconds.
        transport: Sends requests for credentials of AWS; None: such credentials are not fetched.

    """

    def __init__(
        self,
        environ: Mapping[str, str],
        secret: JsonSecret | None,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        transport: Transport | None = None,
    ) -> None:
        self._environment = _Source("in the environment", dict(environ))
        self._environ = environ
        self._secret = secret
        self._warn = warn
        self._clock = clock
        self._transport = transport
        self._aws_keys: AwsKeys | None = None
        self._env_files: dict[str, tuple[float, _Source]] = {}

    def key_of(self, row: Provider) -> ProviderKey:
        """Look up a provider's key or signer; the first source with one counts."""
        return next(key for _, key in self.keys_of((row,)))

    def keys_of(self, rows: Iterable[Provider]) -> Iterator[tuple[Provider, ProviderKey]]:
        """Look up the keys of several providers; each source is read once, when it is needed."""
        secret = None
        warned: set[str] = set()
        for row in rows:
            if row.key_variable is None:
                yield row, _NO_KEY if row.aws is None else self._aws().key_of(row)
                continue
            if secret is None:
                secret = self._read_secret()
            yield row, self._found(row, secret, warned)

    def renewed(self, row: Provider, refused: ProviderKey) -> ProviderKey | None:
        """Return a newer key than the refused one, if its source has one."""
        if row.key_variable is None and row.aws is not None:
            return self._aws().renewed(row, refused)
        if self._secret is None or not self._secret.expire():
            return None
        newer = self.key_of(row)
        return None if newer.value in (None, refused.value) else newer

    def forget(self) -> None:
        """Drop all keys and lookup times."""
        self._env_files.clear()
        self._aws_keys = None
        if self._secret is not None:
            self._secret.forget()

    def _aws(self) -> AwsKeys:
        """Return the lookup for rows with `aws`; load its modules on first use."""
        if self._aws_keys is None:
            from chatd.credentials.aws_keys import AwsKeys  # noqa: PLC0415  # see above

            self._aws_keys = AwsKeys(self._environ, self._transport)
        return self._aws_keys

    def _found(self, row: Provider, secret: _Source, warned: set[str]) -> ProviderKey:
        variable = str(row.key_variable)
        failures = []
        for source in (secret, self._environment, None):
            try:
                value = (source or self._read_env_file(row.env_file)).key(variable)
            except _LookupFailedError as error:
                failures.append(str(error))
                self._warn_once(f"the providers' keys: {error.logged}", warned)
                continue
            if value is not None:
                return ProviderKey(value, "; ".join(failures) or None)
        return ProviderKey(None, "; ".join(failures)) if failures else _NO_KEY

    def _warn_once(self, sentence: str, warned: set[str]) -> None:
        if sentence not in warned:
            warned.add(sentence)
            self._warn(sentence)

    def _read_secret(self) -> _Source:
        if self._secret is None:
            return _NO_SOURCE
        try:
            values = self._secret.read()
        except SecretUnavailableError as error:
            return _Source("", {}, error.public, str(error))
        if self._secret.failure:
            self._warn(f"{self._secret.failure}; its last known value is used")
        return _Source("in the secret", values)

    def _read_env_file(self, path: str) -> _Source:
        read_at, source = self._env_files.get(path, (float("-inf"), _NO_SOURCE))
        if self._clock() - read_at < _FRESH_SECONDS:
            return source
        try:
            source = _Source("in its env_file", _env_file_values(Path(path).expanduser()))
        except _LookupFailedError as error:
            return _Source("", {}, str(error))
        self._env_files[path] = (self._clock(), source)
        return source


def _env_file_values(path: Path) -> Mapping[str, str | None]:
    try:
        if not path.exists():
            return {}
        from dotenv import dotenv_values  # noqa: PLC0415  # a deployed function has no .env

        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        # The reason reaches callers, so it names no path.
        raise _LookupFailedError(f"its env_file cannot be read ({type(error).__name__})") from None
