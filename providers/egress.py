"""Where we may connect to: listed hosts only, and only addresses that are not our own network's.

The base URL of an account is checked when the account is made and again at every call; the name is
resolved once, the addresses are checked, and the connection goes to exactly these (so that a name
that changes its address between check and connect gains nothing).

An entry of `GIFTOPS_PROVIDER_HOSTS` reads "host", "host:port" or "https://host:port"; port 443 if
none is given. A host inside our own network needs its network beside it: "cp.shop.example:8443@
10.1.2.0/24". An entry that is a literal address allows that address.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from giftops.addresses import LOOPBACK_NAMES
from providers.gateways.errors import NotSent

RESOLVE_TIMEOUT = 5.0  # seconds
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str, int], Sequence[str]]


class EgressRefused(ValueError):
    """A base URL or an address we do not go to; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One place that an account may point to; `networks` are private ones allowed for it."""

    host: str
    port: int = 443
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entry: str) -> Self:
        """Read an entry; EgressRefused if it is not one."""
        place, _, network = entry.strip().partition("@")
        try:
            parts = urlsplit(place if "://" in place else f"https://{place}")
            port = parts.port or 443
            networks = [ipaddress.ip_network(network)] if network else []
        except ValueError:
            parts, port, networks = urlsplit(""), 0, []
        if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
            raise EgressRefused(
                f"GIFTOPS_PROVIDER_HOSTS: {entry!r} is not a host; write it like "
                "api.example.com, api.example.com:8443 or cp.example.com@10.1.2.0/24."
            )
        literal = _as_address(parts.hostname)
        if literal:
            networks.append(ipaddress.ip_network(literal))
        return cls(parts.hostname, port, tuple(networks))


@dataclass(frozen=True, slots=True)
class Egress:
    """The rules for one account: the hosts allowed, and whether plain loopback is (DEBUG)."""

    allowed: tuple[AllowedHost, ...]
    allow_loopback: bool = False

    @classmethod
    def of(cls, entries: Iterable[str], *, allow_loopback: bool) -> Self:
        """Read the entries of the settings; EgressRefused for a malformed one."""
        return cls(tuple(AllowedHost.parse(entry) for entry in entries), allow_loopback)

    def check_base_url(self, base_url: str) -> None:
        """EgressRefused with a sentence unless scheme, host and port are allowed."""
        parts = _split(base_url)
        host = parts.hostname or ""
        if self.allow_loopback and host in LOOPBACK_NAMES:
            return
        if parts.scheme != "https":
            raise EgressRefused("The base URL must begin with https://.")
        if self._entry(host, parts.port or 443) is None:
            raise EgressRefused(
                f"The host {_place(host, parts.port)} is not one that we may call; add it to "
                "GIFTOPS_PROVIDER_HOSTS if it is right."
            )

    def resolve(self, host: str, port: int, *, lookup: Lookup | None = None) -> list[str]:
        """The addresses to connect to, all checked; NotSent if there are none."""
        found = _look_up(host, port, lookup or _system_lookup)
        refused = [text for text in found if not self._allows(host, port, text)]
        if refused:
            raise NotSent("nothing was sent, the provider's name leads into a private network")
        if not found:
            raise NotSent("nothing was sent, the provider's name has no address")
        return found

    def _allows(self, host: str, port: int, text: str) -> bool:
        address = _as_address(text)
        if address is None:
            return False
        if self.allow_loopback and host in LOOPBACK_NAMES:
            return address.is_loopback
        entry = self._entry(host, port)
        networks = entry.networks if entry else ()
        return is_public(address) or any(address in network for network in networks)

    def _entry(self, host: str, port: int) -> AllowedHost | None:
        same = (entry for entry in self.allowed if (entry.host, entry.port) == (host, port))
        return next(same, None)


def is_public(address: Address) -> bool:
    """Not private, loopback, link-local (cloud metadata), multicast, reserved or a mapped one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), if any."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise EgressRefused("The base URL cannot be read.") from None
    if not parts.hostname or parts.scheme not in ("http", "https") or port == 0:
        raise EgressRefused("The base URL must look like https://api.example.com.")
    if parts.username is not None or parts.query or parts.fragment or base_url != base_url.strip():
        raise EgressRefused("The base URL must hold nothing but scheme, host, port and path.")
    return parts


def _look_up(host: str, port: int, lookup: Lookup) -> list[str]:
    # getaddrinfo knows no timeout and cannot be interrupted, so it waits in a thread of its own.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="resolve")
    try:
        return list(pool.submit(lookup, host, port).result(RESOLVE_TIMEOUT))
    except TookTooLong:  # is an OSError, so it comes first
        raise NotSent("nothing was sent, the provider's name took too long to resolve") from None
    except (OSError, UnicodeError):
        raise NotSent("nothing was sent, the provider's name was not found") from None
    finally:
        pool.shutdown(wait=False)


def _system_lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _as_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _place(host: str, port: int | None) -> str:
    return f"{host}:{port}" if port else host
