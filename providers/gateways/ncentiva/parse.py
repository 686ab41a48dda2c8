"""Ncentiva's answers in our words; pure functions from `RawAnswer` to dataclasses or errors."""

from giftops.money import Money
from providers.gateways import fields
from providers.gateways.answers import reading
from providers.gateways.base import (
    OrderRequest,
    Page,
    ProductKind,
    RawAnswer,
    RemoteBalance,
    RemoteCard,
    RemoteLine,
    RemoteOrder,
    RemoteProduct,
    Standing,
)
from providers.gateways.errors import AnswerMismatch
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.ncentiva import build, wire
from providers.gateways.ncentiva.answers import body_of, page_of, plain_message
from providers.gateways.strict_json import storable

# --- Orders -------------------------------------------------------------------------------------


def placed_order(raw: RawAnswer, request: OrderRequest, *, currency: str) -> RemoteOrder:
    """Read the answer to POST /orders; AnswerMismatch if it is about another order than ours.

    Only `name` is documented: what the answer does not repeat is taken from the request, what it
    does repeat must be equal.
    """
    call = build.place_order(request)
    item = body_of(call, raw)
    order = reading(call, lambda: _order(item, currency, asked=request))
    differing = _differences(order, request)
    if differing:
        raise AnswerMismatch(
            f"{call}: the answer names another {' and '.join(differing)}", http_status=raw.status
        )
    return order


def order(call: Call, raw: RawAnswer, *, currency: str) -> RemoteOrder:
    """Read one order. Its `lines` are empty if they do not say what was bought."""
    item = body_of(call, raw)
    return reading(call, lambda: _order(item, currency))


def named_order(call: Call, raw: RawAnswer, *, currency: str) -> RemoteOrder:
    """Read an order that was asked for by name; AnswerMismatch if it is another one."""
    found = order(call, raw, currency=currency)
    if found.external_id != call.ids[wire.TRANSACTION_ID]:
        raise AnswerMismatch(f"{call}: another order came", http_status=raw.status)
    return found


def found_order(call: Call, raw: RawAnswer, *, currency: str) -> RemoteOrder | None:
    """Read the answer to a look-up by reference: None for "Purchase Order not found".

    Any other 404 proves nothing: it may be a gateway that does not know the path.
    """
    is_absent = raw.status == 404 and plain_message(raw) in wire.NOT_FOUND
    return None if is_absent else order(call, raw, currency=currency)


def orders_page(call: Call, raw: RawAnswer, *, page: int, currency: str) -> Page[RemoteOrder]:
    return page_of(call, raw, page, lambda item: _order(item, currency))


def _order(item: Json, currency: str, asked: OrderRequest | None = None) -> RemoteOrder:
    text = fields.optional_text(item, wire.STATUS, longest=200) or wire.DEFAULT_STATUS
    reference = fields.optional_text(item, wire.CUSTOMER_REFERENCE, longest=200)
    return RemoteOrder(
        external_id=fields.identifier(item, wire.NAME),
        reference=reference or None,
        status_text=text,
        standing=standing_of(text),
        lines=_lines(item, currency, asked),
        placed_at=fields.optional_moment(item, wire.CREATED),
        payload=storable(dict(item)),
    )


def standing_of(text: str) -> Standing:
    """Exact after trimming and without case; anything else is a text for a person."""
    return wire.STANDINGS.get(text.strip().casefold(), Standing.UNMAPPED)


def _lines(item: Json, currency: str, asked: OrderRequest | None) -> tuple[RemoteLine, ...]:
    line = asked.lines[0] if asked else None
    code = fields.currency(item, wire.CURRENCY, line.face_value.currency if line else currency)
    type_id = fields.optional_integer(item, wire.TYPE_ID)
    value = fields.optional_amount(item, wire.AMOUNT, code)
    quantity = fields.optional_integer(item, wire.QUANTITY)
    product_id = str(type_id) if type_id is not None else (line.product_id if line else "")
    face_value = value if value is not None else (_in(code, line.face_value) if line else None)
    if not product_id or face_value is None:
        return ()
    return (
        RemoteLine(
            product_id=product_id,
            face_value=face_value,
            quantity=1 if quantity is None else quantity,
        ),
    )


def _in(code: str, value: Money) -> Money:
    """The value we asked for, in the currency they name: another one must show as a difference."""
    return Money(value.minor, code)


def _differences(order: RemoteOrder, request: OrderRequest) -> list[str]:
    asked, got = request.lines[0], order.lines[0]
    pairs = {
        "reference": (order.reference or request.reference, request.reference),
        "card type": (got.product_id, asked.product_id),
        "currency": (got.face_value.currency, asked.face_value.currency),
        "amount": (got.face_value.minor, asked.face_value.minor),
        "quantity": (got.quantity, asked.quantity),
    }
    return [name for name, (theirs, ours) in pairs.items() if theirs != ours]


# --- Cards, balance, inventory ------------------------------------------------------------------


def cards(call: Call, raw: RawAnswer, *, currency: str) -> list[RemoteCard] | None:
    """Read the codes of an order; None for "Data is not available for the given order".

    The codes of another order are an AnswerMismatch. How many there must be, the caller knows.
    """
    if raw.status == 404 and plain_message(raw) == wire.NOT_READY:
        return None
    item = body_of(call, raw)
    listed = reading(
        call, lambda: [_card(card, currency) for card in fields.objects(item, wire.CARD_LIST)]
    )
    name = reading(call, lambda: fields.identifier(item, wire.NAME))
    if name != call.ids[wire.TRANSACTION_ID]:
        raise AnswerMismatch(f"{call}: the codes of another order came", http_status=raw.status)
    return listed


def _card(item: Json, currency: str) -> RemoteCard:
    code = fields.currency(item, wire.CURRENCY, currency)
    return RemoteCard(
        code=fields.text(item, wire.CARD_NUMBER),
        pin=fields.optional_text(item, wire.PIN),
        claim_url=fields.optional_text(item, wire.CLAIM_URL, longest=2000),
        face_value=fields.amount(item, wire.AMOUNT, code),
        expires_on=fields.optional_day(item, wire.EXPIRY),
    )


def balance(call: Call, raw: RawAnswer, *, currency: str) -> RemoteBalance:
    """Read the funds; another currency than the account's is an AnswerMismatch."""
    item = body_of(call, raw)
    available = reading(
        call,
        lambda: fields.amount(item, wire.FUNDS, fields.currency(item, wire.CURRENCY, currency)),
    )
    if available.currency != currency:
        raise AnswerMismatch(
            f"{call}: the account is kept in {available.currency}, not in {currency}",
            http_status=raw.status,
        )
    return RemoteBalance(available=available)


def products_page(call: Call, raw: RawAnswer, *, page: int) -> Page[RemoteProduct]:
    return page_of(call, raw, page, _product)


def _product(item: Json) -> RemoteProduct:
    code = fields.currency(item, wire.CURRENCY, "")
    kind = _kind(item)
    value = _positive(item, wire.CARD_VALUE, code) if kind == ProductKind.FIXED else None
    product = RemoteProduct(
        external_id=str(fields.integer(item, wire.TYPE_ID)),
        name=fields.text(item, wire.NAME, longest=200),
        brand=fields.optional_text(item, wire.BRAND, longest=120),
        currency=code,
        kind=kind,
        face_value=value,
        denominations=() if value is None else (value,),
        minimum=fields.optional_amount(item, wire.MIN_AMOUNT, code),
        maximum=fields.optional_amount(item, wire.MAX_AMOUNT, code),
        is_available=fields.flag(item, wire.AVAILABLE, default=True),
        payload=storable(dict(item)),
    )
    if product.minimum and product.maximum and product.minimum > product.maximum:
        raise FieldError(f"{wire.MIN_AMOUNT} is more than {wire.MAX_AMOUNT}")
    return product


def _kind(item: Json) -> ProductKind:
    text = fields.text(item, wire.KIND, longest=40).casefold()
    if text not in tuple(ProductKind):
        raise FieldError(f"{wire.KIND} is neither fixed nor variable")
    return ProductKind(text)


def _positive(item: Json, key: str, code: str) -> Money:
    value = fields.amount(item, key, code)
    if value.minor <= 0:
        raise FieldError(f"{key} is not more than nothing")
    return value
