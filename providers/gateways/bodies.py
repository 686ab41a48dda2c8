"""Reading what came back: whole, decompressed, and never more than the cap."""

import zlib
from collections.abc import Callable, Iterator, Mapping

import requests

from providers.gateways.connection import Trip

CHUNK = 64 * 1024
KEPT_HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "retry-after",
    "x-request-id",
    "x-amzn-requestid",
    "x-amzn-errortype",
    "x-amz-apigw-id",
    "apigw-requestid",
)
LONGEST_HEADER = 200


class BrokenAnswer(Exception):
    """An answer began and did not end well; the text is safe."""


class LongAnswer(BrokenAnswer):
    """An answer was longer than the cap."""

    def __init__(self) -> None:
        super().__init__("the answer is too long")


def read_body(response: requests.Response, trip: Trip, cap: int) -> bytes:
    """The whole body, decompressed; BrokenAnswer if it is cut, too long or in a strange coding.

    One that says beforehand that it is too long is not begun.
    """
    decode = _decoder(response.headers.get("Content-Encoding", ""), cap)
    declared, received = response.headers.get("Content-Length"), 0
    if declared and declared.isdecimal() and int(declared) > cap:
        raise LongAnswer
    for chunk in _chunks(response):
        received += len(chunk)
        if received > cap:
            raise LongAnswer
        trip.partial += decode(chunk)
    decode(None)
    _check_length(declared, received, trip)
    return bytes(trip.partial)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    if hasattr(response.raw, "stream"):
        return iter(response.raw.stream(CHUNK, decode_content=False))
    return iter([response.content])


def _check_length(declared: str | None, received: int, trip: Trip) -> None:
    if declared is None:
        if trip.is_over:  # the end of the stream was made by our own watchdog
            raise BrokenAnswer("the answer did not end in time")
    elif not declared.isdecimal() or int(declared) != received:
        raise BrokenAnswer("the answer is not as long as it says")


Decode = Callable[[bytes | None], bytes]


def _decoder(coding: str, cap: int) -> Decode:
    match coding.strip().lower():
        case "" | "identity":
            return lambda chunk: chunk or b""
        case "gzip" | "x-gzip":
            return _gunzip(cap)
        case _:
            raise BrokenAnswer("the answer is in a coding we did not ask for")


def _gunzip(cap: int) -> Decode:
    """Decompress piece by piece, never more than `cap` bytes: a bomb stops at the cap."""
    machine = zlib.decompressobj(wbits=31)
    room = cap

    def decode(chunk: bytes | None) -> bytes:
        nonlocal room
        if chunk is None:
            if not machine.eof:
                raise BrokenAnswer("the compressed answer is cut off")
            return b""
        try:
            plain = machine.decompress(chunk, room + 1)
        except zlib.error:
            raise BrokenAnswer("the compressed answer is damaged") from None
        room -= len(plain)
        if room < 0:
            raise LongAnswer
        if machine.unused_data:
            raise BrokenAnswer("something follows the compressed answer")
        return plain

    return decode


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may be kept: a short list, names in lower case, values cut."""
    return {
        name: "".join(char for char in headers[name] if char.isprintable())[:LONGEST_HEADER]
        for name in KEPT_HEADERS
        if name in headers
    }
