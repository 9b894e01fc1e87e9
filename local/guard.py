"""Who may talk to the gateway on this machine, and from where.

With caller keys, a key decides. Without them only this machine reaches the socket, and a web page
that the user happens to visit is then the stranger: it may name this address as its own
(DNS rebinding: the Host header gives it away) or send it a form (the Origin header does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from chatd.callers import Callers, presented
from chatd.errors import ChatdError, UnauthorizedError


class ForeignSiteError(ChatdError):
    """The request comes by a way on which only a web page of somebody else's can come."""

    status = 403
    type = "permission_error"
    default_code = "foreign_site"


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides over a request by its headers.

    Attributes:
        callers: Whose keys open the door; None where none is asked for.
        host: What the gateway was told to listen on; a name that requests may use.
        origins: The browser origins that may call besides this machine's own; `*` is any.

    """

    callers: Callers | None
    host: str
    origins: tuple[str, ...] = ()

    def admit(self, headers: Mapping[str, str], *, open_to_all: bool) -> str | None:
        """The caller's name, or None where nobody is asked for one.

        Args:
            headers: By lower-case name.
            open_to_all: Whether the route is served without a key.

        Raises:
            ForeignSiteError: Without keys, when a foreign web page seems to be behind it.
            UnauthorizedError: With keys, when the request bears none of them.

        """
        if self.callers is None:
            self._refuse_foreign_sites(headers)
            return None
        if open_to_all:
            return None
        key = presented(headers)
        name = None if key is None else self.callers.name_of(key)
        if name is None:
            raise UnauthorizedError(
                "Send one of the keys in CHATD_CALLER_KEYS as 'Authorization: Bearer …' or"
                " 'x-api-key: …'."
            )
        return name

    def lists(self, origin: str) -> bool:
        """Whether the deployment's list has this origin; `*` has any."""
        return origin in self.origins or "*" in self.origins

    def _refuse_foreign_sites(self, headers: Mapping[str, str]) -> None:
        host = _host(f"//{headers.get('host', '')}")
        if host != self.host.lower() and not is_this_machine(host):
            raise ForeignSiteError(
                f"The Host header names {host[:100]!r}, which is not this machine; call the gateway"
                " as localhost, or set CHATD_CALLER_KEYS."
            )
        origin = headers.get("origin")
        if origin is None or self.lists(origin):
            return
        if not is_this_machine(_host(origin)):
            raise ForeignSiteError(
                f"A page of {origin[:100]!r} may not call the gateway; CHATD_CORS_ORIGINS lists"
                " the origins that may."
            )


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address leads to the machine that uses it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host(url: str) -> str:
    """The host in `url`, in lower case; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
