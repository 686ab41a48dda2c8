"""Sealing a code and indexing it, beside the bare primitives (the limit) and Fernet (a peer)."""

import hashlib
import hmac
import os
from uuid import UUID, uuid4

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.timing import Row, best_of
from giftops.sealing import blind_index, seal, unseal

COUNT = 10_000
PLACE = {"table": "orders_card", "column": "code"}
FIELD = "card.code"
TARGET = 2.0  # times the limit, at most


def run() -> list[Row]:
    """Time all three over the same codes; check that ours opens again."""
    rows = [(uuid4(), f"{number:016d}") for number in range(COUNT)]
    check(rows[0])
    best = best_of(
        {"ours": lambda: ours(rows), "limit": lambda: bare(rows), "fernet": lambda: fernet(rows)}
    )
    return [
        row_for("AES-GCM and HMAC, bare", best["ours"], best["limit"], TARGET),
        row_for("Fernet and HMAC", best["ours"], best["fernet"], 1.0),
    ]


def ours(rows: list[tuple[UUID, str]]) -> None:
    for row, code in rows:
        seal(code, row=row, **PLACE)
        blind_index(code, field=FIELD)


def bare(rows: list[tuple[UUID, str]]) -> None:
    """Nothing but the two primitives: random nonce, place as additional data, one HMAC."""
    cipher, key = AESGCM(os.urandom(32)), os.urandom(32)
    for row, code in rows:
        cipher.encrypt(os.urandom(12), code.encode(), row.bytes)
        hmac.digest(key, code.encode(), hashlib.sha256)


def fernet(rows: list[tuple[UUID, str]]) -> None:
    """What many Django projects use; it knows no place, so a value could be moved."""
    cipher, key = Fernet(Fernet.generate_key()), os.urandom(32)
    for _, code in rows:
        cipher.encrypt(code.encode())
        hmac.digest(key, code.encode(), hashlib.sha256)


def check(one: tuple[UUID, str]) -> None:
    """Fail unless what was sealed opens to the same, and only the same has the same index."""
    row, code = one
    if unseal(seal(code, row=row, **PLACE), row=row, **PLACE) != code:
        raise AssertionError("What was sealed did not open to the same.")
    if blind_index(code, field=FIELD) != blind_index(f"{code[:8]} {code[8:]}", field=FIELD):
        raise AssertionError("The same number has two indexes.")


def row_for(against: str, ours: float, theirs: float, most: float) -> Row:
    ratio = ours / theirs
    return Row(
        what="seal and index one code",
        ours=ours / COUNT * 1e6,
        against=against,
        theirs=theirs / COUNT * 1e6,
        unit="µs",
        ratio=ratio,
        target=f"≤ {most:.1f} ×",
        is_met=ratio <= most,
    )
