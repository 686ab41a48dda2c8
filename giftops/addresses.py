"""Where a request came from, and where others reach us.

A forwarded address counts only when a trusted proxy says it.
"""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def is_listed(address: str, networks: Iterable[str]) -> bool:
    """Say whether `address` lies in one of the networks ("10.0.0.0/8", "::1"); "" never does."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in ip_network(network, strict=False) for network in networks)


def client_address(request: HttpRequest) -> str:
    """Give the address of the person, "" if unknown.

    Behind trusted proxies this is the right-most forwarded address that is not itself one of them;
    everything further left was written by the client and proves nothing.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if not is_listed(direct, settings.GIFTOPS_TRUSTED_PROXIES):
        return direct
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    for address in (part.strip() for part in reversed(forwarded)):
        if not is_listed(address, settings.GIFTOPS_TRUSTED_PROXIES):
            return address if _is_address(address) else direct
    return direct


def can_be_told(url: str) -> bool:
    """Say whether a provider may be given this address of ours: https, or http on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_NAMES)
    return bool(host) and is_safe


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
