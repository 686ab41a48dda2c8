"""What CP Extender cannot take, said in a sentence before anything is sent.

A number stands in paths, so it is held to letters that cannot lead elsewhere. The limits that the
contract only assumes stand in `wire.py`.
"""

from giftops.money import Money
from providers.gateways.base import CreateRequest, HoldRequest, ReservationType, ReserveRequest
from providers.gateways.cp_extender import wire


def check_reserve(request: ReserveRequest) -> None:
    """ValueError with a sentence for a reservation they would refuse or misread."""
    _refuse(_problem_with_reservation(request))


def check_create(request: CreateRequest, *, currency: str) -> None:
    """ValueError with a sentence for a card they would refuse, or number as they please."""
    _refuse(
        _problem_with_number(request.number)
        or _problem_with_card(request)
        or _problem_with_amount(request.value, currency, "The value of a card")
        or _problem_with_payment(request)
    )


def check_authorize(request: HoldRequest, *, currency: str) -> None:
    """ValueError with a sentence for a hold they would refuse."""
    _refuse(
        _problem_with_number(request.number)
        or _problem_with_sale(request.sale_id)
        or _problem_with_amount(request.amount, currency, "The amount to hold")
    )


def check_number(number: str) -> None:
    """ValueError with a sentence for what cannot be the number of a card."""
    _refuse(_problem_with_number(number))


def check_finish(number: str, auth_code: str) -> None:
    """ValueError with a sentence for a hold that cannot be named like this."""
    is_code = wire.AUTH_CODE_FORM.fullmatch(auth_code)
    _refuse(
        _problem_with_number(number)
        or ("" if is_code else "A hold is finished with the code that it was granted with.")
    )


def check_customer(external_id: str, email: str) -> None:
    """ValueError with a sentence unless a customer is asked for by one thing."""
    _refuse(_problem_with_customer(external_id, email))


def _refuse(problem: str) -> None:
    if problem:
        raise ValueError(problem)


def _problem_with_reservation(request: ReserveRequest) -> str:
    if not request.agency.strip():
        return "A reservation needs an agency: the company or campaign that the numbers are for."
    for what, text in (("An agency", request.agency), ("The name of a request", request.name)):
        if len(text) > wire.LONGEST_NAME or not text.isprintable():
            return f"{what} has at most {wire.LONGEST_NAME} printable characters."
    if request.type == ReservationType.SINGLE and request.count != 1:
        return "A single reservation is of one number; take a pool for more."
    if not 1 <= request.count <= wire.MOST_NUMBERS:
        return f"A pool is of 1 to {wire.MOST_NUMBERS} numbers."
    return ""


def _problem_with_number(number: str) -> str:
    if not number:
        return "A card needs a number that is reserved for us; they choose none."
    if not wire.NUMBER.fullmatch(number):
        return "The number of a card is made of letters, digits, dashes and underscores."
    return ""


def _problem_with_card(request: CreateRequest) -> str:
    if not wire.ID.fullmatch(request.code):
        return "A card needs its kind: a gift card code of letters, digits, dashes, underscores."
    if not wire.ID.fullmatch(request.customer_id):
        return "A card needs a customer number of letters, digits, dashes and underscores."
    return ""


def _problem_with_payment(request: CreateRequest) -> str:
    if request.points is None:
        return _problem_with_sale(request.sale_id)
    if request.sale_id:
        return "A card is paid with a sale or with points, not with both."
    if not 1 <= request.points <= wire.MOST_POINTS:
        return f"A card is paid with 1 to {wire.MOST_POINTS} points."
    return ""


def _problem_with_sale(sale_id: str) -> str:
    if wire.ID.fullmatch(sale_id):
        return ""
    return f"A sale is named by 1 to {wire.LONGEST_ID} letters, digits, dashes and underscores."


def _problem_with_amount(amount: Money, currency: str, what: str) -> str:
    if amount.currency != currency:
        return f"This account keeps its cards in {currency}, not in {amount.currency}."
    if amount <= Money(0, currency):
        return f"{what} must be more than nothing."
    return ""


def _problem_with_customer(external_id: str, email: str) -> str:
    if bool(external_id) == bool(email):
        return "A customer is found by a number or by an e-mail address: give one of them."
    if external_id and not wire.ID.fullmatch(external_id):
        return "A customer number is made of letters, digits, dashes and underscores."
    if email and not _is_email(email):
        return "That is not an e-mail address."
    return ""


def _is_email(text: str) -> bool:
    return (
        len(text) <= wire.LONGEST_EMAIL and bool(wire.EMAIL.fullmatch(text)) and text.isprintable()
    )
