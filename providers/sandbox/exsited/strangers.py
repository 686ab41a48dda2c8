"""Everybody else who works with the book: its staff, its shops, whoever imports certificates."""

from providers.sandbox.exsited.book import Book
from providers.sandbox.exsited.certificate import ACTIVE, DISABLED, Certificate
from providers.sandbox.exsited.generator import DAY, generate, make_certificate
from providers.sandbox.exsited.numbers import noise

STRANGER = "mara.ellis"


class Strangers:
    """What they do depends on the seed and on the number of times that they were asked."""

    def __init__(self, book: Book, seed: str) -> None:
        self._book, self._seed = book, seed

    def print_book(self, size: int, until: float) -> None:
        """Replace the book by one of `size` whose last day is that of `until`."""
        self._book.fill(generate(self._seed, size, until - until % DAY))

    def shift(self, at: float, come: int, go: int, change: int, seed: str) -> dict[str, list[str]]:
        """Rows come, go and change; returns their uuids."""
        name = f"{self._seed}:{seed}:{self._book.changes}"
        return {
            "came": [self.come(one, at) for one in _noises(name, "come", come)],
            "went": [self.go(one, at) for one in _noises(name, "go", go) if self._book.size],
            "changed": [
                self.alter(one, at) for one in _noises(name, "change", change) if self._book.size
            ],
        }

    def come(self, some: bytes, at: float) -> str:
        """A certificate that was created just now."""
        return self._book.add(make_certificate(some, at), STRANGER, at).uuid

    def go(self, some: bytes, at: float) -> str:
        """A certificate, anywhere in the book, that is deleted."""
        one = self._pick(some)
        self._book.remove(one, STRANGER, at)
        return one.uuid

    def alter(self, some: bytes, at: float) -> str:
        """A certificate, anywhere in the book, that is spent from, amended, switched or given."""
        one = self._pick(some)
        if one.status == ACTIVE and one.remaining:
            share = max(1, one.remaining * (some[0] % 60 + 1) // 100)
            one.spend(share, at, STRANGER, f"INV-{some[:3].hex().upper()}")
        elif one.status == DISABLED:
            one.switch(ACTIVE, at, STRANGER)
        else:
            one.amend(one.amount + some[1] * 10, at, STRANGER)
        self._book.change(one, "changed", STRANGER, at)
        return one.uuid

    def _pick(self, some: bytes) -> Certificate:
        return self._book.at(int.from_bytes(some[16:24]) % self._book.size)


def _noises(name: str, what: str, many: float) -> list[bytes]:
    return [noise(name, what, number) for number in range(int(many))]
