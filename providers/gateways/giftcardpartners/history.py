"""Looking for a reference in the order history, the only look-up by reference there is.

A short page of the newest orders first, because that is where a lost order is. Then all of it, in
long pages that begin with the same orders again. Orders placed meanwhile push the others on to
later pages, so nothing is passed over; what came in front is read in one more first page. Orders
of many lines may make a page longer than we take in: then it begins anew with shorter pages.
"""

from providers.gateways.client import Client
from providers.gateways.errors import AnswerTooLong, MalformedResponse, ProviderUnavailable
from providers.gateways.giftcardpartners import build, parse, wire
from providers.gateways.giftcardpartners.parse import Listed

LOOKS_AT_THE_FRONT = 2


def find(client: Client, reference: str) -> str | None:
    """Give their id of the order with our reference; None if the whole history has none.

    ProviderUnavailable if the history moved so fast that its end proves nothing.
    """
    sizes = [size for size in wire.SHORTER_PAGES if size < wire.HISTORY_PAGE_SIZE]
    try:
        newest, _, total = _page(client, reference, 1, wire.HISTORY_PAGE_SIZE)
    except AnswerTooLong:
        return _find_in_pages(client, reference, sizes)
    found = _match(newest, reference)
    if found or len(newest) >= total:
        return found
    return _find_in_pages(client, reference, [wire.LARGEST_PAGE, *wire.SHORTER_PAGES])


def _find_in_pages(client: Client, reference: str, sizes: list[int]) -> str | None:
    """Read it all in pages of the first of these sizes that is not too long."""
    size, *shorter = sizes
    try:
        return _find_in_all(client, reference, size)
    except AnswerTooLong:
        if not shorter:
            raise
    return _find_in_pages(client, reference, shorter)


def _find_in_all(client: Client, reference: str, size: int) -> str | None:
    seen: set[str] = set()
    for number in range(1, wire.MOST_PAGES + 1):
        entries, is_last, total = _page(client, reference, number, size)
        if found := _match(entries, reference):
            return found
        seen.update(entry.external_id for entry in entries)
        if is_last:
            break
    else:
        raise MalformedResponse("the order history has no end")
    for _ in range(LOOKS_AT_THE_FRONT):
        if len(seen) >= total:
            return None
        entries, _, total = _page(client, reference, 1, size)
        if found := _match(entries, reference):
            return found
        seen.update(entry.external_id for entry in entries)
    if len(seen) >= total:
        return None
    raise ProviderUnavailable("the order history changed while it was read")


def _page(
    client: Client, reference: str, number: int, size: int
) -> tuple[tuple[Listed, ...], bool, int]:
    call = build.list_orders(number, size, subject=reference)
    page = parse.listed_page(call, client.read(call), page=number, size=size)
    if page.unreadable:
        first = page.unreadable[0]
        raise MalformedResponse(f"{call}: {first.position}: {first.problem}")
    return page.items, page.is_last, page.total or 0


def _match(entries: tuple[Listed, ...], reference: str) -> str | None:
    same = (entry.external_id for entry in entries if entry.reference == reference)
    return next(same, None)
