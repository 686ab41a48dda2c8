"""Believable card numbers, codes of authorizations and tokens: the same again for the same seed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

STORE = "99"  # the number of the web store, in front of every reserved card number
STRIDE = 61_803_398_874_989_489  # shares no factor with 10, so n * STRIDE visits every number


def reserved_number(seed: str, ordinal: int) -> str:
    """A number that is set aside for a card: store and 17 digits."""
    return f"{STORE}-{_digits(seed, 'reserved', ordinal, 17)}"


def assigned_number(seed: str, ordinal: int) -> str:
    """The number of a card that nobody reserved: 16 digits."""
    return f"WEB-{_digits(seed, 'assigned', ordinal, 16)}"


def auth_code(seed: str, ordinal: int) -> str:
    """The code of an authorization: it alone can confirm or cancel it."""
    return f"GDA{_noise(seed, 'auth', ordinal).hex()[:30].upper()}"


def request_id(seed: str, ordinal: int) -> str:
    """The id of an authorization's request."""
    return str(UUID(bytes=_noise(seed, "request", ordinal)[:16], version=4))


def make_jwt(seed: str, claims: Mapping[str, Any]) -> str:
    """A JSON Web Token (RFC 7519), signed with HS256 by a key of this seed."""
    head = _part({"alg": "HS256", "typ": "JWT"})
    signed = f"{head}.{_part(claims)}"
    mac = hmac.digest(_noise(seed, "key", 0), signed.encode(), "sha256")
    return f"{signed}.{_base64url(mac)}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _digits(seed: str, what: str, ordinal: int, places: int) -> str:
    start = int.from_bytes(_noise(seed, what, 0)[:8])
    return f"{(start + ordinal * STRIDE) % 10**places:0{places}d}"


def _noise(seed: str, what: str, ordinal: int) -> bytes:
    return hashlib.sha256(f"{seed}:{what}:{ordinal}".encode()).digest()
