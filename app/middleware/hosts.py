"""Refuses requests under strange names of the server and from pages of other sites."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import HTTPError

EVERYWHERE = ("0.0.0.0", "::", "")
"""Addresses to listen on that stand for all of the machine's."""


@dataclass(frozen=True)
class Hosts:
    """The names of the server; a stranger's name that leads here is a trick (DNS rebinding).

    Attributes:
        names: in lower case, without port.
        any_address: whether every IP address will do, as where the server listens on all of the machine's.
        any_name: whether every name will do.
    """

    names: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    any_address: bool = False
    any_name: bool = False

    @classmethod
    def of(cls, host: str, also: Iterable[str] = ()) -> "Hosts":
        """Return the names of a server that listens on ``host`` and is reached under other names too."""
        names = {host, *also, f"[{host}]"}
        if host in EVERYWHERE:
            names |= {socket.gethostname(), f"{socket.gethostname()}.local"}
        return cls(cls.names | {name.lower().rstrip(".") for name in names}, host in EVERYWHERE, "*" in names)

    def accept(self, header: str) -> bool:
        """Whether a ``Host`` header names this server."""
        name = re.sub(r":\d{0,5}$", "", header.lower()).rstrip(".")
        return self.any_name or name in self.names or (self.any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@dataclass(eq=False)
class HostsMiddleware(HTTPMiddleware):
    """Holds ``Host`` and ``Origin`` against the server's names."""

    hosts: Hosts

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        host = self._check_hosts(request.headers)
        _check_origin(request.headers, host)
        await self.app(request.scope, receive, send)

    def _check_hosts(self, headers: dict[bytes, bytes]) -> str:
        host, forwarded = (headers.get(name, b"").decode("latin-1") for name in (b"host", b"x-forwarded-host"))
        for name in (host, forwarded):
            if (name or not host) and not self.hosts.accept(name):
                remedy = "Start it with --allowed-host and this name if it is."
                raise HTTPError(400, "UnknownHost", f"This server is not known as {name[:100]!r}. {remedy}")
        return host


def _check_origin(headers: dict[bytes, bytes], host: str) -> None:
    origin = headers.get(b"origin", b"").decode("latin-1")
    if b"origin" in headers and origin.lower().partition("://")[2] != host.lower():
        raise HTTPError(403, "OtherSite", f"Pages of {origin[:100]!r} may not ask this server.")
    if headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate":
        raise HTTPError(403, "OtherSite", "Pages of other sites may not ask this server.")
