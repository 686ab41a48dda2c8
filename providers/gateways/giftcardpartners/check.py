"""What GiftCard Partners cannot take, said in a sentence before anything is sent.

The limits that the contract only assumes stand in `wire.py`.
"""

import re

from giftops.addresses import can_be_told
from giftops.money import Money
from providers.gateways.base import OrderRequest, OrderType, PostalAddress, RequestLine
from providers.gateways.giftcardpartners import wire

_ID = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)  # E.164
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)  # ISO 3166-1 alpha-2


def check_request(request: OrderRequest, *, currency: str) -> None:
    """ValueError with a sentence for an order they would refuse or misread."""
    problem = _problem_with(request) or _problem_with_lines(request, currency)
    if problem:
        raise ValueError(problem)


def _problem_with(request: OrderRequest) -> str:
    if not _is_id(request.reference, wire.LONGEST_REFERENCE):
        return (
            f"An order needs a reference of 1 to {wire.LONGEST_REFERENCE} letters, digits, dots, "
            "colons, dashes and underscores."
        )
    if request.type not in wire.ORDER_TYPES:
        return "GiftCard Partners sells claim links, digital deliveries and plastic, not codes."
    if not 1 <= len(request.lines) <= wire.LINES_PER_ORDER:
        return f"A GiftCard Partners order has 1 to {wire.LINES_PER_ORDER} lines."
    if request.department_id and not _is_id(request.department_id):
        return "The department is not one of GiftCard Partners' ids."
    if not _is_text(request.note, wire.LONGEST_TEXT):
        return f"A note has at most {wire.LONGEST_TEXT} printable characters."
    if request.doorbell_url and not _is_doorbell(request.doorbell_url):
        return "GiftCard Partners only rings at an https address."
    ids = [line.line_id for line in request.lines if line.line_id]
    if len(set(ids)) != len(ids):
        return "Two lines of the order have the same id."
    return ""


def _problem_with_lines(request: OrderRequest, currency: str) -> str:
    for number, line in enumerate(request.lines, start=1):
        problem = (
            _problem_with_goods(line, currency)
            or _problem_with_texts(line)
            or _problem_with_delivery(line, request.type)
        )
        if problem:
            return f"Line {number}: {problem}" if len(request.lines) > 1 else problem
    return ""


def _problem_with_goods(line: RequestLine, currency: str) -> str:
    if not _is_id(line.product_id):
        return "The product is not one of GiftCard Partners' ids."
    if not 1 <= line.quantity <= wire.MOST_CARDS_OF_A_LINE:
        return f"A line is for 1 to {wire.MOST_CARDS_OF_A_LINE} cards."
    if line.face_value.currency != currency:
        return f"This account buys in {currency}, not in {line.face_value.currency}."
    if line.face_value <= Money(0, currency):
        return "The value of a card must be more than nothing."
    if line.line_id and not _is_id(line.line_id):
        return "The line's own id is not one that GiftCard Partners repeats."
    if line.branding_id and not _is_id(line.branding_id):
        return "The branding is not one of GiftCard Partners' ids."
    return ""


def _problem_with_texts(line: RequestLine) -> str:
    for name, text in (("recipient", line.recipient_name), ("sender", line.from_name)):
        if not _is_text(text, wire.LONGEST_NAME):
            return f"The name of the {name} has at most {wire.LONGEST_NAME} printable characters."
    if not _is_text(line.message, wire.LONGEST_TEXT):
        return f"A message has at most {wire.LONGEST_TEXT} printable characters."
    for name, text in (("recipient", line.recipient_email), ("sender", line.from_email)):
        if text and not _is_email(text):
            return f"The e-mail address of the {name} is not an e-mail address."
    if line.recipient_phone and not _PHONE.fullmatch(line.recipient_phone):
        return "A telephone number is written like +15555555555."
    return ""


def _problem_with_delivery(line: RequestLine, order_type: OrderType) -> str:
    if order_type == OrderType.PHYSICAL:
        return _problem_with_parcel(line)
    if line.shipping_method_id or line.carrier_id:
        return "A shipping method and a card carrier are for plastic only."
    if order_type == OrderType.DIGITAL and not (line.recipient_email or line.recipient_phone):
        return "A digital delivery needs the recipient's e-mail address or telephone number."
    return ""


def _problem_with_parcel(line: RequestLine) -> str:
    if not _is_id(line.shipping_method_id):
        return "Plastic needs a shipping method; choose one of GiftCard Partners' list."
    if line.carrier_id and not _is_id(line.carrier_id):
        return "The card carrier is not one of GiftCard Partners' ids."
    if line.address is None:
        return "Plastic needs a postal address."
    return _problem_with_address(line.address)


def _problem_with_address(address: PostalAddress) -> str:
    required = {
        "a name": address.name,
        "a street": address.line_1,
        "a city": address.city,
        "a state": address.state,
        "a postcode": address.postcode,
    }
    for name, text in required.items():
        if not text.strip():
            return f"The postal address needs {name}."
    for text in (*required.values(), address.line_2):
        if not _is_text(text, wire.LONGEST_NAME):
            return (
                f"Each part of a postal address has at most {wire.LONGEST_NAME} printable "
                "characters."
            )
    if not _COUNTRY.fullmatch(address.country):
        return "The country of a postal address is two capital letters, like US."
    return ""


def _is_id(text: str, longest: int = wire.LONGEST_ID) -> bool:
    return len(text) <= longest and bool(_ID.fullmatch(text))


def _is_email(text: str) -> bool:
    return len(text) <= wire.LONGEST_EMAIL and bool(_EMAIL.fullmatch(text)) and text.isprintable()


def _is_text(text: str, longest: int) -> bool:
    """Whether a text is short enough and holds nothing invisible but ends of lines."""
    return len(text) <= longest and text.replace("\r", "").replace("\n", "").isprintable()


def _is_doorbell(url: str) -> bool:
    if len(url) > wire.LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        return can_be_told(url)
    except ValueError:
        return False
