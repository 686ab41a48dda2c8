"""The fields of the order form, and which of them the chosen card asks for."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from giftops.money import Money, MoneyError, exponent
from orders.admin.pasting import addresses_in, people_in
from orders.models.order import ORDER_TYPES
from orders.services.offering import FIELD_OF, Offer
from orders.services.recipients import Recipient, in_short
from orders.services.wishes import Wish, most_lines
from providers.gateways.base import OptionKind, OrderType, PostalAddress
from providers.models import Product, ProviderOption

MOST_COUNTED = 100_000  # beyond it the sum is not worked out; the service refuses far fewer
MOST_PASTED = 400_000  # characters: some two thousand addresses

GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
COMMA = "That is not an amount: write 1234.50, with a point and without a comma."
WHO = "Say who gets the cards."
ADDRESS_OR_LIST = "Fill in one address or paste a list, not both."
ADDRESS = ("line_1", "line_2", "city", "state", "postcode")
EMAIL = {"invalid": "That is not an e-mail address: something is missing."}


class ProductField(forms.ModelChoiceField):
    """A card that can be ordered; what is no identifier at all is simply none of them."""

    def to_python(self, value: Any) -> Product | None:
        """Read the identifier of a product."""
        try:
            found: Product | None = super().to_python(value)
        except ValidationError:
            raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice") from None
        return found


def text(longest: int, label: str, **more: Any) -> forms.CharField:
    """A line of text that may be left out."""
    return forms.CharField(max_length=longest, required=False, label=label, **more)


class BuyForm(forms.Form):
    """What a person asks for; `wish()` gives it to the service once the form is valid."""

    product = ProductField(
        Product.objects.orderable().select_related("account"),
        error_messages={
            "required": "Choose a card.",
            "invalid_choice": "This card cannot be ordered any more. Choose another.",
        },
    )
    order_type = forms.ChoiceField(
        choices=ORDER_TYPES,
        required=False,
        error_messages={"invalid_choice": "Choose how the cards reach people."},
    )
    face_value = text(20, "Value of one card")
    quantity = forms.IntegerField(
        initial=1,
        label="How many",
        error_messages={
            "required": "Say how many cards.",
            "invalid": "Give the number of cards as a whole number.",
        },
    )
    title = text(120, "What it is for")
    recipient_name = text(120, "Name")
    recipient_email = forms.EmailField(required=False, label="E-mail", error_messages=EMAIL)
    recipients = text(MOST_PASTED, "Recipients", strip=False)
    addresses = text(MOST_PASTED, "A list of addresses", strip=False)
    line_1 = text(120, "Street")
    line_2 = text(120, "Second line")
    city = text(80, "City")
    state = text(40, "State")
    postcode = text(20, "ZIP")
    country = text(2, "Country", initial="US")
    may_repeat = forms.BooleanField(required=False, label="Send to the same person again")
    shipping_method_id = text(64, "Shipping method")
    carrier_id = text(64, "Card carrier")
    branding_id = text(64, "Branding")
    department_id = text(64, "Department")
    message = text(500, "Message")
    from_name = text(120, "From")
    from_email = forms.EmailField(required=False, label="From e-mail", error_messages=EMAIL)
    deliver_on = forms.DateField(
        required=False,
        label="Deliver on",
        error_messages={"invalid": "Write the day like 2027-01-31."},
    )
    note = text(300, "Note for the provider")

    # --- What the chosen card asks for: known before anything is validated ------------------------

    @property
    def offer(self) -> Offer | None:
        """The chosen card as it may be ordered; None while none is chosen."""
        if not hasattr(self, "_offer"):
            try:
                chosen = self.fields["product"].clean(self["product"].value())
            except ValidationError:
                chosen = None
            self._offer = Offer(chosen) if chosen else None
        return self._offer

    @property
    def types(self) -> list[tuple[OrderType, str]]:
        """The ways to choose from, with their labels."""
        allowed = self.offer.types if self.offer else ()
        return [(kind, label) for kind, label in ORDER_TYPES if kind in allowed]

    @property
    def way(self) -> OrderType:
        """The chosen way; the first one of the card while none (of its own) is chosen."""
        allowed = self.offer.types if self.offer else ()
        asked = self["order_type"].value()
        fitting = [kind for kind in allowed if kind == asked] or [*allowed, OrderType.CODES]
        return fitting[0]

    def choices_of(self, kind: OptionKind) -> list[ProviderOption]:
        """The entries of one list that fit the chosen card and way."""
        if self.offer is None or self.way == OrderType.CODES:
            return []
        return self.offer.options(kind, self.way)

    @property
    def option_fields(self) -> list[tuple[forms.BoundField, list[ProviderOption], bool]]:
        """(field, its choices, whether one must be chosen) of every list that applies."""
        fields = []
        for kind, name in FIELD_OF.items():
            is_required = self.offer is not None and self.offer.is_required(kind, self.way)
            if is_required or self.choices_of(kind):
                fields.append((self[name], self.choices_of(kind), is_required))
        return fields

    @property
    def value_hint(self) -> str:
        """What may be typed as the value of one card."""
        if self.offer is None:
            return "Choose a card first."
        product, values = self.offer.product, self.offer.product.value_text
        if product.values:
            return f"This card is sold at {values} only."
        example = "25.00" if exponent(product.currency) == 2 else "25"
        return f"{values[:1].upper()}{values[1:]}. Write it like {example}."

    @property
    def quantity_hint(self) -> str:
        is_single = self.offer is not None and most_lines(self.offer.product) == 1
        return "Each card is an order of its own, followed on its own." if is_single else ""

    @property
    def quantity_label(self) -> str:
        return "Cards for each" if self.way.needs_recipient else "How many"

    # --- Reading what was typed -------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """Read the amount in the currency of the product, and whom the cards are for."""
        data = super().clean() or {}
        product = data.get("product")
        if product is None:
            return data
        self._clean_value(data, product)
        self._clean_type(data)
        self._clean_people(data)
        return data

    def _clean_value(self, data: dict[str, Any], product: Product) -> None:
        text = (data.get("face_value") or "").strip()
        if not text and len(product.values) == 1:
            data["face_value"] = product.values[0]
        elif not text and "face_value" not in self.errors:
            self.add_error("face_value", "Say what one card is worth.")
        elif text:
            try:
                data["face_value"] = amount_of(text, product.currency)
                _ = data["face_value"] * min(data.get("quantity") or 1, MOST_COUNTED)
            except MoneyError as problem:
                self.add_error("face_value", str(problem))

    def _clean_type(self, data: dict[str, Any]) -> None:
        asked = data.get("order_type")
        if asked != self.way and (asked or len(self.types) > 1):
            self.add_error("order_type", "Choose how the cards reach people.")
        data["order_type"] = self.way

    def _clean_people(self, data: dict[str, Any]) -> None:
        kind = self.way
        problems: list[str] = []
        data["people"] = []
        if kind == OrderType.PHYSICAL:
            data["people"], problems = self._addressees(data)
        elif kind != OrderType.CODES:
            data["people"], problems = people_in(data.get("recipients") or "")
        if problems:
            self.add_error(self.people_field, in_short(problems))
        elif not data["people"] and kind.needs_recipient and not self._has_error_about_people():
            self.add_error(self.people_field, WHO)

    def _addressees(self, data: dict[str, Any]) -> tuple[list[Recipient], list[str]]:
        pasted, problems = addresses_in(data.get("addresses") or "")
        if not any(data.get(name) for name in (*ADDRESS, "recipient_name")):
            return pasted, problems
        if pasted or problems:
            return pasted, [ADDRESS_OR_LIST]
        place = {name: data.get(name) or "" for name in ADDRESS}
        name, country = data.get("recipient_name") or "", (data.get("country") or "US").upper()
        return [
            Recipient(name=name, address=PostalAddress(name=name, country=country, **place))
        ], []

    @property
    def people_field(self) -> str:
        """The field at which is said what is wrong with the people."""
        names = {OrderType.CODES: "recipient_name", OrderType.PHYSICAL: "addresses"}
        return names.get(self.way, "recipients")

    def field_for(self, name: str) -> str:
        """The field of this form for one of a wish; "" if it has none."""
        name = self.people_field if name == "recipients" else name
        return name if name in self.fields else ""

    def _has_error_about_people(self) -> bool:
        return bool(self.errors.keys() & {"recipients", "addresses", *ADDRESS, "recipient_name"})

    def wish(self) -> Wish:
        """What was asked for. Only for a valid form; other fields than this way's are left out."""
        return Wish(product=self.cleaned_data["product"], **self._common(), **self._for_type())

    def _common(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {name: data[name] for name in ("face_value", "quantity", "order_type", "title")}

    def _for_type(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["order_type"] == OrderType.CODES:
            return {name: data[name] for name in ("recipient_name", "recipient_email")}
        names = ["may_repeat", "message", "from_name", "from_email", "note"]
        names += [FIELD_OF[kind] for kind in OptionKind if self.choices_of(kind)]
        if data["order_type"] == OrderType.DIGITAL:
            names.append("deliver_on")
        return {name: data[name] for name in names} | {"recipients": tuple(data["people"])}


def amount_of(text: str, currency: str) -> Money:
    """Read what a person typed: "12.50", "1,234.50"; MoneyError with a sentence otherwise.

    A comma only ever separates thousands. Where it may as well be a decimal point ("12,50", or
    "1,234" of a currency with three digits after the point) nothing is guessed.
    """
    if "," not in text:
        return Money.parse(text, currency)
    if not GROUPED.fullmatch(text) or exponent(currency) > 2:
        raise MoneyError(COMMA)
    return Money.parse(text.replace(",", ""), currency)
