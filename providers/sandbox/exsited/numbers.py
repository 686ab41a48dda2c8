"""Believable uuids, codes and tokens: the same again for the same seed."""

import base64
import hashlib
from uuid import UUID

CODE_LENGTH, CODE_PREFIX = 12, "GC-"


def noise(seed: str, what: str, ordinal: int) -> bytes:
    """64 bytes that depend on nothing but the arguments."""
    return hashlib.sha512(f"{seed}:{what}:{ordinal}".encode()).digest()


def make_uuid(seed: str, ordinal: int) -> str:
    """The uuid of a certificate."""
    return uuid_of(noise(seed, "certificate", ordinal))


def uuid_of(some: bytes) -> str:
    """The uuid that the first bytes make."""
    return str(UUID(bytes=some[:16], version=4))


def make_code(seed: str, ordinal: int, length: int = CODE_LENGTH, prefix: str = CODE_PREFIX) -> str:
    """A code of `length` characters, the prefix included."""
    letters = base64.b32encode(noise(seed, "code", ordinal)).decode().rstrip("=")
    return prefix + letters[: length - len(prefix)]


def make_token(seed: str, what: str, ordinal: int) -> str:
    """An access or refresh token, in base64 with its padding."""
    return base64.b64encode(noise(seed, what, ordinal)[:40]).decode()
