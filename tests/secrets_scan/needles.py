"""Finds known secrets in bytes, whatever dress they wear. Standard library only."""

import base64
import html
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SHORTEST = 8  # bytes; of anything shorter chance makes too much
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found: the name of the secret and its dress, where; never the secret."""

    secret: str
    encoding: str
    sink: str
    at: int


def dresses(value: str) -> Iterator[tuple[str, bytes]]:
    """(encoding, bytes) of every way in which a secret could be written down."""
    raw = value.encode()
    bare = "".join(char for char in value if char.isalnum())
    half = len(value) // 2
    yield "plain", raw
    yield "stripped", bare.encode()
    yield "lower case", bare.lower().encode()
    yield "grouped by four", "-".join(bare[at : at + 4] for at in range(0, len(bare), 4)).encode()
    yield "spaced by four", " ".join(bare[at : at + 4] for at in range(0, len(bare), 4)).encode()
    yield from (("base64", one) for one in _base64(raw, base64.b64encode))
    yield from (("base64url", one) for one in _base64(raw, base64.urlsafe_b64encode))
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    yield "url", quote(value, safe="").encode()
    yield "json", json.dumps(value).strip('"').encode()
    yield "json in json", json.dumps(json.dumps(value)).strip('\\"').encode()
    yield "html", html.escape(value).encode()
    yield "html entities", "".join(f"&#{ord(char)};" for char in value).encode()
    yield "utf-16", value.encode("utf-16-le")
    yield "utf-16 be", value.encode("utf-16-be")
    yield "zlib", zlib.compress(raw)
    yield "reversed", raw[::-1]
    yield "first half", raw[:half]
    yield "second half", raw[half:]


def _base64(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """What every base64 text with `raw` somewhere in it must contain: one per alignment."""
    for before in range(3):
        text = encode(b"\0" * before + raw)
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        yield text[first:last]


class Scanner:
    """Looks for many secrets at once: by the first eight bytes, then in full."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._by_head: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        self.longest = SHORTEST
        seen: set[tuple[bytes, str]] = set()
        for name, value in secrets.items():
            for encoding, dress in dresses(value):
                if len(dress) < SHORTEST or (dress, name) in seen:
                    continue
                seen.add((dress, name))
                self._by_head[dress[:SHORTEST]].append((dress, name, encoding))
                self.longest = max(self.longest, len(dress))
        self.needles = len(seen)

    def scan(self, data: bytes, sink: str) -> list[Hit]:
        """Every secret in `data`."""
        found: list[Hit] = []
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK + self.longest]
            heads = {chunk[at : at + SHORTEST] for at in range(len(chunk))}
            for head in heads & self._by_head.keys():
                found += self._confirmed(chunk, head, sink, start)
        return found

    def _confirmed(self, chunk: bytes, head: bytes, sink: str, start: int) -> Iterator[Hit]:
        for dress, name, encoding in self._by_head[head]:
            at = chunk.find(dress)
            while at != -1:
                if not encoding.endswith("half") or _stands_alone(chunk, at, len(dress)):
                    yield Hit(name, encoding, sink, start + at)
                    break
                at = chunk.find(dress, at + 1)

    def scan_files(self, files: Iterable[Path], sink: str) -> list[Hit]:
        """Every secret in these files."""
        return [
            hit for path in files for hit in self.scan(path.read_bytes(), f"{sink}: {path.name}")
        ]


def _stands_alone(data: bytes, at: int, size: int) -> bool:
    """Whether half a secret is a word of its own, and not eight digits of a longer number."""
    around = data[max(at - 1, 0) : at] + data[at + size : at + size + 1]
    return not any(chr(byte).isalnum() for byte in around)
