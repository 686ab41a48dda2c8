"""Believable gift card codes: unique in a ledger, and the same again for the same seed."""

import hashlib
from dataclasses import dataclass, field

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that looks like something else
SPACE = 10**9
STRIDE = (
    618_033_989  # odd and no multiple of 5, so that n -> n * STRIDE visits every number below SPACE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a recipient needs to spend a card."""

    card_number: str = field(repr=False)
    pin: str | None = field(default=None, repr=False)
    claim_url: str | None = field(default=None, repr=False)


def make_code(seed: str, ordinal: int, style: str) -> Code:
    """The code with this ordinal in the ledger of this seed."""
    noise = hashlib.sha256(f"{seed}:{ordinal}".encode()).digest()
    number = _card_number(seed, ordinal)
    if style == "claim":
        return Code(card_number=_claim_code(number, noise))
    if style == "link":
        token = "".join(ALPHABET[byte % 32] for byte in noise[:20])
        return Code(card_number=number, claim_url=f"https://claim.example.com/g/{token}")
    return Code(card_number=number, pin=f"{int.from_bytes(noise[:4]) % 10**4:04d}")


def _card_number(seed: str, ordinal: int) -> str:
    """16 digits: issuer, nine digits that never repeat below 10**9 cards, and a check digit."""
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
    digits = f"600649{(start + ordinal * STRIDE) % SPACE:09d}"
    return digits + str(_luhn(digits))


def _claim_code(number: str, noise: bytes) -> str:
    """4-6-4 letters and digits; the first six carry the number and so keep it unique."""
    rest, letters = int(number[6:15]), ""
    for _ in range(6):
        rest, index = divmod(rest, 32)
        letters += ALPHABET[index]
    letters += "".join(ALPHABET[byte % 32] for byte in noise[:8])
    return f"{letters[6:10]}-{letters[:6]}-{letters[10:]}"


def _luhn(digits: str) -> int:
    """The check digit of ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10
