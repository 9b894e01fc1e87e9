"""Admit requests to the gateway on this machine by caller key, or by origin.

With caller keys, a request needs a key. Without them only this machine reaches the socket, and web
pages in the user's browser must be refused. A page can resolve its own host name to this address
(DNS rebinding, visible in Host), send a form or a fetch (visible in Origin), or load this address
as an image or a script (visible in Sec-Fetch-Site).
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from chatd.access.caller_keys import Callers, presented
from chatd.config.cors_origins import lists
from chatd.errors import ChatdError, InvalidRequestError, UnauthorizedError

Headers = Sequence[tuple[str, str]]

# `host` or `host:port`; an IPv6 address is in brackets. RFC 9110, 7.2.
_AUTHORITY = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
# Headers that decide on admission or identity: two values would contradict each other.
_NOT_REPEATABLE = ("origin", "authorization", "x-api-key", "idempotency-key", "sec-fetch-site")


class ForeignSiteError(ChatdError):
    """The request may come from a web page that is not listed."""

    status = 403
    type = "permission_error"
    default_code = "foreign_site"


class AmbiguousRequestError(InvalidRequestError):
    """Two parts of the request contradict each other; the connection is closed."""

    default_code = "ambiguous_request"

    def headers(self) -> dict[str, str]:
        """Close the connection: the next bytes may be a smuggled request."""
        return {**super().headers(), "Connection": "close"}


@dataclass(frozen=True, slots=True)
class RequestGuard:
    """Admits or refuses a request by its headers.

    Attributes:
        callers: The accepted caller keys; None if callers need no key.
        host: The value of HOST, which a Host header may name.
        origins: The origins of web pages that may call, besides this machine's own pages.

    """

    callers: Callers | None
    host: str
    origins: tuple[str, ...] = ()

    def admit(self, headers: Headers, *, public: bool) -> str | None:
        """Admit a request; return the caller's name, or None if no key is needed.

        Args:
            headers: The names in lower case, and the values.
            public: Whether the route needs no key.

        Raises:
            AmbiguousRequestError: If a header that decides on admission is repeated.
            ForeignSiteError: Without caller keys, if the request may come from an unlisted page.
            UnauthorizedError: With caller keys, if the request has no valid key.

        """
        _refuse_repeated(name for name, _ in headers)
        sent = dict(headers)
        if self.callers is None:
            self._refuse_foreign_sites(sent)
            return None
        if public:
            return None
        name = self.callers.first_of(presented(sent))
        if name is None:
            raise UnauthorizedError(
                "Send one of the keys in CHATD_CALLER_KEYS as 'Authorization: Bearer …' or"
                " 'x-api-key: …'."
            )
        return name

    def lists_origin(self, origin: str) -> bool:
        """Whether CHATD_CORS_ORIGINS lists an origin."""
        return lists(self.origins, origin)

    def _refuse_foreign_sites(self, headers: Mapping[str, str]) -> None:
        named = headers.get("host", "")
        host = _host_of(named)
        if host != self.host.lower() and not is_loopback(host):
            raise ForeignSiteError(
                f"The Host header names {named[:100]!r}, which is not this machine; call the"
                " gateway as localhost, or set CHATD_CALLER_KEYS."
            )
        origin = headers.get("origin")
        if origin is None:
            _refuse_foreign_fetch(headers.get("sec-fetch-site", "none"), host)
        elif not (self.lists_origin(origin) or _is_local_page(origin)):
            raise ForeignSiteError(
                f"A page of {origin[:100]!r} may not call the gateway; to allow it, list its origin"
                " in CHATD_CORS_ORIGINS."
            )


def refuse_ambiguous_framing(headers: Headers, http_version: str) -> None:
    """Refuse a request with two possible ends (request smuggling).

    RFC 9112, 6.1 and 6.3: https://www.rfc-editor.org/rfc/rfc9112#section-6.1

    Raises:
        AmbiguousRequestError: If the request has both Content-Length and Transfer-Encoding, or has
            Transfer-Encoding in HTTP/1.0, which does not define it.

    """
    names = {name for name, _ in headers}
    if "transfer-encoding" not in names:
        return
    if "content-length" in names:
        raise AmbiguousRequestError(
            "Send either Content-Length or Transfer-Encoding; the request has both."
        )
    if http_version != "1.1":
        raise AmbiguousRequestError(f"HTTP/{http_version} has no Transfer-Encoding.")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in _NOT_REPEATABLE and name in seen:
            raise AmbiguousRequestError(f"The header {name!r} is repeated; send it once.")
        seen.add(name)


def _refuse_foreign_fetch(site: str, host: str) -> None:
    """Refuse a cross-site request without an Origin, such as a page's `<img>` or `<script>`.

    A page on another port of this machine is `same-site`. If HOST is not a loopback name, pages of
    other machines in the same domain are `same-site` too.
    """
    mine = ("none", "same-origin", "same-site") if is_loopback(host) else ("none", "same-origin")
    if site not in mine:
        raise ForeignSiteError(
            f"A page of another site may not call the gateway (Sec-Fetch-Site: {site[:20]!r});"
            " open the address directly, or list the page's origin in CHATD_CORS_ORIGINS."
        )


def _is_local_page(origin: str) -> bool:
    """Whether an origin is a web server on this machine."""
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and is_loopback(_host_of(authority))


def _host_of(authority: str) -> str:
    """Return the host of `host:port` in lower case; empty for any other text."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]).lower() if found else ""
