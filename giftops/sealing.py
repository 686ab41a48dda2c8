"""Sealed values: AES-256-GCM bound to table, row, column and key; keyed blind index for look-ups.

A token reads "<kid>.<base64url of nonce and ciphertext>". The nonce is 96 random bits (NIST SP
800-38D section 8.2.2); table, row, column and key id are the additional data, so a token moved to
another row or column cannot be opened there.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute

NONCE_BYTES = 12
KEY_BYTES = 32
SHORTEST_WITH_LAST_FOUR = 12  # below that, four characters would give too much of it away
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{38,}={0,2})")
_KEY = re.compile(r"(?P<kid>[A-Za-z0-9_-]{1,16}):(?P<key>[A-Za-z0-9+/_-]{43}=?)")
_TEXT, _BYTES = b"t", b"b"  # first byte of what is sealed: what to give back


class SealError(Exception):
    """A value that cannot be sealed or opened; never carries the value."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Every key by its id, in order; the first one seals, all of them open."""

    keys: dict[str, bytes]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Read "kid:base64" entries; SealError for a malformed, short, doubled or missing one."""
        keys: dict[str, bytes] = {}
        for entry in entries:
            kid, key = _parse_key(entry)
            if kid in keys or key in keys.values():
                raise SealError(f"Sealing key {kid!r} is on the ring twice.")
            keys[kid] = key
        if not keys:
            raise SealError("There is no sealing key.")
        return cls(keys)

    @property
    def current(self) -> str:
        """Name the key that seals."""
        return next(iter(self.keys))

    def cipher(self, kid: str) -> AESGCM:
        """Give the cipher of one key; SealError if it is not on the ring."""
        try:
            return AESGCM(self.keys[kid])
        except KeyError:
            raise SealError(f"Sealing key {kid!r} is not on the ring.") from None

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)})"


def _parse_key(entry: str) -> tuple[str, bytes]:
    match = _KEY.fullmatch(entry.strip())
    if match is None:
        raise SealError("A sealing key must read kid:base64 of 32 bytes.")
    text = match["key"].rstrip("=") + "="
    key = base64.b64decode(text.replace("-", "+").replace("_", "/"))
    return match["kid"], key


def key_ring() -> KeyRing:
    """Give the ring of the settings; SealError if it is not sound."""
    return _parsed(tuple(settings.GIFTOPS_SEALING_KEYS))


@lru_cache(maxsize=4)
def _parsed(entries: tuple[str, ...]) -> KeyRing:
    return KeyRing.parse(entries)


def kid_of(token: str) -> str:
    """Name the key that sealed this token; SealError if it is no token."""
    return _split(token)[0]


def seal(plain: str | bytes, *, table: str, row: Any, column: str) -> str:
    """Seal a value for exactly one place; `row` is the primary key (UUID) of the row."""
    ring = key_ring()
    nonce = os.urandom(NONCE_BYTES)
    data = _TEXT + plain.encode() if isinstance(plain, str) else _BYTES + bytes(plain)
    sealed = ring.cipher(ring.current).encrypt(
        nonce, data, _place(table, row, column, ring.current)
    )
    return f"{ring.current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(token: str, *, table: str, row: Any, column: str) -> str | bytes:
    """Open a token in its place; SealError for a wrong place, wrong key or changed text."""
    kid, sealed = _split(token)
    cipher = key_ring().cipher(kid)
    place = _place(table, row, column, kid)
    try:
        data = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
    except InvalidTag:
        raise SealError(
            f"What is sealed in {table}.{column} does not open: changed, moved or another key."
        ) from None
    return data[1:].decode() if data[:1] == _TEXT else data[1:]


def _split(token: str) -> tuple[str, bytes]:
    match = _TOKEN.fullmatch(token) if isinstance(token, str) else None
    if match is None:
        raise SealError("That is not a sealed value.")
    try:
        return match[1], base64.urlsafe_b64decode(match[2])
    except binascii.Error:
        raise SealError("That is not a sealed value.") from None


def _place(table: str, row: Any, column: str, kid: str) -> bytes:
    if row in (None, ""):
        raise SealError(f"A row of {table} needs its id before anything in it can be sealed.")
    return "|".join((table, str(row), column, kid)).encode()


# --- Looking up what is sealed ------------------------------------------------------------------


def normalised(value: str) -> str:
    """Write a card number as we compare it: upper case, no spaces, no dashes."""
    return re.sub(r"[\s\u2010-\u2015\u2212-]", "", value).upper()


def blind_index(value: str, *, field: str) -> str:
    """Give the HMAC-SHA256 (64 hex characters) of a normalised value under the key of `field`."""
    root = settings.GIFTOPS_INDEX_KEY.encode()
    key = hmac.digest(root, b"giftops blind index|" + field.encode(), hashlib.sha256)
    return hmac.new(key, normalised(value).encode(), hashlib.sha256).hexdigest()


def last_four(value: str) -> str:
    """Give the last four characters, "" when the value has fewer than twelve."""
    short = normalised(value)
    return short[-4:] if len(short) >= SHORTEST_WITH_LAST_FOUR else ""


# --- Sealed columns -----------------------------------------------------------------------------


class Sealed:
    """What is read from a sealed column: shows nothing until somebody calls `reveal()`."""

    __slots__ = ("_column", "_row", "_table", "token")

    def __init__(self, token: str, *, table: str, row: Any, column: str) -> None:
        self.token = token
        self._table, self._row, self._column = table, row, column

    def reveal(self) -> str:
        """Open it; SealError if it does not open or is not text."""
        return _as_text(self._open(), self._column)

    def reveal_bytes(self) -> bytes:
        """Open it as bytes, for what was sealed as bytes."""
        plain = self._open()
        return plain.encode() if isinstance(plain, str) else plain

    def _open(self) -> str | bytes:
        return unseal(self.token, table=self._table, row=self._row, column=self._column)

    def __str__(self) -> str:
        return "•••• sealed"

    __repr__ = __str__

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and hmac.compare_digest(self.token, other.token)

    def __hash__(self) -> int:
        return hash(self.token)

    def is_of(self, *, table: str, row: Any, column: str) -> bool:
        """Say whether it was sealed for that place."""
        return (self._table, str(self._row), self._column) == (table, str(row), column)

    def __copy__(self) -> "Sealed":
        return self

    def __deepcopy__(self, memo: object) -> "Sealed":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("Sealed values are not pickled.")


def _as_text(plain: str | bytes, column: str) -> str:
    if isinstance(plain, bytes):
        raise SealError(f"What is sealed in {column} is not text.")
    return plain


class Plain:
    """A value given to a sealed column and not saved yet; as silent as a sealed one."""

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the text."""
        return _as_text(self._value, "this column")

    def reveal_bytes(self) -> bytes:
        """Give it as bytes."""
        return self._value.encode() if isinstance(self._value, str) else self._value

    def seal(self, *, table: str, row: Any, column: str) -> str:
        """Seal it for its place."""
        return seal(self._value, table=table, row=row, column=column)

    def __str__(self) -> str:
        return "•••• sealed"

    __repr__ = __str__

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> "Plain":
        return self

    def __deepcopy__(self, memo: object) -> "Plain":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("Values to be sealed are not pickled.")


class StoredToken(str):
    """Text that came from a sealed column, or is meant for one: a token, not a plain value."""

    __slots__ = ()


class SealedAttribute(DeferredAttribute):
    """Reads and writes one sealed column of an instance, which itself holds no readable text."""

    field: "SealedField"

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, StoredToken) and instance is not None:
            return Sealed(value, **self.field.place(instance))
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self._held(value)

    def _held(self, value: Any) -> Any:
        match value:
            case None | "" | b"":
                return ""
            case StoredToken() | Sealed() | Plain():
                return value
            case str() | bytes():
                return Plain(value)
            case _:
                name, kind = self.field.attname, type(value).__name__
                raise SealError(f"{name} takes text or bytes, not {kind}.")


if TYPE_CHECKING:  # at run time Django's fields take no types
    _Text = models.TextField[str | bytes | Sealed | Plain, Any]
else:
    _Text = models.TextField


class SealedField(_Text):
    """A column that is only ever stored sealed.

    Give it a str (or bytes) and it is sealed on save; read it and it is a `Sealed` object, whose
    `reveal()` opens it. "" stays "". The row needs its UUID primary key before it is saved. A value
    that cannot be opened (lost key) is written back as it is, never destroyed.
    """

    description = "Sealed text"
    descriptor_class = SealedAttribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"editable": False, "blank": True, "default": ""}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Describe the column for migrations."""
        name, path, args, kwargs = super().deconstruct()
        for own in ("editable", "blank", "default"):
            kwargs.pop(own, None)
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a model without a UUID primary key: the row must be known before it is saved."""
        found = super().check(**kwargs)
        key = self.model._meta.pk
        if not isinstance(key, models.UUIDField) or key.name != "id":
            hint = "Declare id = models.UUIDField(primary_key=True, default=identity.new_id)."
            found.append(
                checks.Error(
                    "A sealed column needs a UUID primary key named id.",
                    hint=hint,
                    obj=self,
                    id="giftops.E010",
                )
            )
        return found

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Mark what comes from the database as a token, so that it is not sealed again."""
        return StoredToken(value) if value else ""

    def place(self, instance: models.Model) -> dict[str, Any]:
        """Say where a value of this instance belongs: what it is bound to."""
        meta = instance._meta
        row = meta.pk.to_python(instance.pk)
        return {"table": meta.db_table, "row": row, "column": self.column}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal what was assigned; give back the token of what was only read."""
        held = getattr(model_instance, self.attname)
        place = self.place(model_instance)
        if isinstance(held, Sealed) and not held.is_of(**place):
            raise SealError(f"{self.name} was sealed for another row; reveal it and assign it.")
        token = held.seal(**place) if isinstance(held, Plain) else getattr(held, "token", "")
        model_instance.__dict__[self.attname] = StoredToken(token) if token else ""
        return StoredToken(token)

    def get_prep_value(self, value: Any) -> Any:
        """Let tokens through and nothing else, so that plain text never reaches the database."""
        if value in ("", None):
            return ""
        if isinstance(value, StoredToken):
            return str(value)
        if hasattr(value, "resolve_expression"):
            return value
        raise SealError(f"{self.name} is sealed: no plain value can be set or compared here.")

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow `isnull` and `exact` ("" or a token); sealed text cannot be searched."""
        if lookup_name not in ("isnull", "exact"):
            raise SealError(f"{self.name} is sealed: it cannot be searched by {lookup_name}.")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> None:
        """Allow no transforms."""

    def value_to_string(self, obj: models.Model) -> str:
        """Give the token: what is dumped is as sealed as what is stored."""
        return getattr(getattr(obj, self.attname), "token", "")

    def to_python(self, value: Any) -> Any:
        """Leave a value as it is; text becomes a token on save only."""
        return value

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        """Offer no form field: sealed values have their own doors."""
