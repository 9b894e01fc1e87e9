"""Admit requests to the gateway on this machine: by caller key, or by origin.

With caller keys, a key decides. Without them only this machine reaches the socket, and what has to
be kept out is a web page in the user's browser. Such a page can point a name of its own at this
address (DNS rebinding: the Host header shows it), send a form or a fetch (the Origin header shows
it), or load this address as a picture or a script (Sec-Fetch-Site shows it).
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
# Each of these decides something; of two different ones it is not known which one counts.
_NOT_REPEATABLE = ("origin", "authorization", "x-api-key", "idempotency-key", "sec-fetch-site")


class ForeignSiteError(ChatdError):
    """An unlisted web page may have sent the request."""

    status = 403
    type = "permission_error"
    default_code = "foreign_site"


class AmbiguousRequestError(InvalidRequestError):
    """Two parts of the request contradict each other; its connection is closed."""

    default_code = "ambiguous_request"

    def headers(self) -> dict[str, str]:
        """Close the connection: the next bytes may be a smuggled request."""
        return {**super().headers(), "Connection": "close"}


@dataclass(frozen=True, slots=True)
class RequestGuard:
    """Admits or refuses a request by its headers.

    Attributes:
        callers: The caller keys that are accepted; None where none is needed.
        host: The address that the gateway was started with; a Host header may name it.
        origins: The browser origins that may call besides this machine's own
            (chatd.config.cors_origins).

    """

    callers: Callers | None
    host: str
    origins: tuple[str, ...] = ()

    def admit(self, headers: Headers, *, public: bool) -> str | None:
        """The caller's name, or None where no key is needed.

        Args:
            headers: Names in lower case, and values, as they were sent.
            public: Whether the route is served without a key.

        Raises:
            AmbiguousRequestError: If a header that decides something was sent twice.
            ForeignSiteError: Without keys, if a web page that is not listed may be behind it.
            UnauthorizedError: With keys, if the request has none of them.

        """
        _refuse_repeated(name for name, _ in headers)
        sent = dict(headers)
        if self.callers is None:
            self._refuse_foreign_sites(sent)
            return None
        if public:
            return None
        key = presented(sent)
        name = None if key is None else self.callers.name_of(key)
        if name is None:
            raise UnauthorizedError(
                "Send one of the keys in CHATD_CALLER_KEYS as 'Authorization: Bearer …' or"
                " 'x-api-key: …'."
            )
        return name

    def lists_origin(self, origin: str) -> bool:
        """Whether the deployment's list has this origin."""
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
                f"A page of {origin[:100]!r} may not call the gateway; list its origin in"
                " CHATD_CORS_ORIGINS to let it."
            )


def refuse_ambiguous_framing(headers: Headers, http_version: str) -> None:
    """Refuse a request with two possible ends (request smuggling).

    RFC 9112, 6.1 and 6.3: https://www.rfc-editor.org/rfc/rfc9112#section-6.1

    Raises:
        AmbiguousRequestError: If it has both Content-Length and Transfer-Encoding, or the latter
            under HTTP/1.0, which has no such thing.

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
    """Whether a host's name or address leads to the machine that uses it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in _NOT_REPEATABLE and name in seen:
            raise AmbiguousRequestError(f"The header {name!r} was sent twice; send it once.")
        seen.add(name)


def _refuse_foreign_fetch(site: str, host: str) -> None:
    """Refuse a cross-site request without an Origin, as of a page's `<img>` and `<script>`.

    A page of another port of this machine is `same-site`. Under another name than localhost, as
    HOST may set it, other machines of the same domain are `same-site` too.
    """
    mine = ("none", "same-origin", "same-site") if is_loopback(host) else ("none", "same-origin")
    if site not in mine:
        raise ForeignSiteError(
            f"A page of another site may not call the gateway (Sec-Fetch-Site: {site[:20]!r});"
            " open the address itself, or list the page's origin in CHATD_CORS_ORIGINS."
        )


def _is_local_page(origin: str) -> bool:
    """Whether an origin is a web page of this machine."""
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and is_loopback(_host_of(authority))


def _host_of(authority: str) -> str:
    """Parse the host of `host:port`, in lower case; empty for other texts."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2]).lower() if found else ""
