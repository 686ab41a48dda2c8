"""Believable claim links, ids and tokens: the same again for the same seed."""

import hashlib
from dataclasses import dataclass, field

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that looks like something else
SPACE = 32**6
STRIDE = 618_033_989  # odd, so that n -> n * STRIDE visits every number below SPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a recipient needs to spend a card: the link and the answer that it asks for."""

    link: str = field(repr=False)
    answer: str = field(repr=False)


def make_claim(seed: str, ordinal: int) -> Claim:
    """The claim with this ordinal in the ledger of this seed; answers repeat only after SPACE."""
    noise = _noise(seed, "claim", ordinal)
    start = int.from_bytes(_noise(seed, "answers", 0)[:8])
    rest, answer = (start + ordinal * STRIDE) % SPACE, ""
    for _ in range(6):
        rest, index = divmod(rest, 32)
        answer += ALPHABET[index]
    token = "".join(ALPHABET[byte % 32] for byte in noise[:24])
    return Claim(link=f"https://claim.example.com/e/{token}", answer=answer)


def order_id(seed: str, number: int) -> str:
    """The id of an order: twelve hexadecimal digits."""
    return _noise(seed, "order", number).hex()[:12]


def make_token(seed: str, ordinal: int) -> str:
    """A bearer token."""
    return f"eyJ{_noise(seed, 'token', ordinal).hex()}"


def _noise(seed: str, what: str, ordinal: int) -> bytes:
    return hashlib.sha256(f"{seed}:{what}:{ordinal}".encode()).digest()
