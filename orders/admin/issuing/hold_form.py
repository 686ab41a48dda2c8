"""The form that has money held on a card: on which, how much, and what that comes to."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from giftops.money import Money, MoneyError
from orders.admin.buy_form import amount_of, text
from orders.issuing_states import CardState
from orders.models import Card
from orders.services.issuing.holds.authorizing import LONGEST_NOTE
from orders.weighing.holds import problem_with_amount

LONGEST_NUMBER = 60
NO_CARD = "No card that we issued has this number. Check for a missing character."
NO_AMOUNT = "Say how much is to be held."
SEALED = ("code", "pin", "claim_url", "challenge", "other_code")


class CardField(forms.ModelChoiceField):
    """A card that we issued; what is no identifier at all is simply none of them."""

    def __init__(self) -> None:
        cards = Card.objects.exclude(state=CardState.BOUGHT).select_related("account")
        light = cards.defer(*SEALED, "account__credentials", "account__settings")
        words = {"required": "Choose a card.", "invalid_choice": NO_CARD}
        super().__init__(light, error_messages=words)

    def to_python(self, value: Any) -> Card | None:
        """Read the identifier of a card."""
        try:
            found: Card | None = super().to_python(value)
        except (ValidationError, ValueError):
            raise ValidationError(NO_CARD, "invalid_choice") from None
        return found


class HoldForm(forms.Form):
    """What a person asks for; the service says what is wrong with it."""

    card = CardField()
    amount = text(20, "Amount")
    note = text(LONGEST_NOTE, "What the till calls this sale")
    takes_partial = forms.BooleanField(required=False)

    @property
    def chosen(self) -> Card | None:
        """The card it is about; None while there is none."""
        if not hasattr(self, "_chosen"):
            try:
                self._chosen = self.fields["card"].clean(self["card"].value())
            except ValidationError:
                self._chosen = None
        return self._chosen

    def clean(self) -> dict[str, Any]:
        """Read the amount in the currency of the card."""
        data = super().clean() or {}
        typed = (data.get("amount") or "").strip()
        if not typed and "amount" not in self.errors:
            self.add_error("amount", NO_AMOUNT)
        elif typed and data.get("card"):
            try:
                data["amount"] = amount_of(typed, data["card"].currency)
            except MoneyError as problem:
                self.add_error("amount", str(problem))
        return data

    def field_for(self, name: str) -> str | None:
        """The field of this form for one that a service names; None if it has none."""
        return name if name in self.fields else None


@dataclass(frozen=True, slots=True)
class Quote:
    """What the form comes to, by how the card was last read."""

    card: Card
    amount: Money
    available: Money | None
    takes_partial: bool

    @property
    def left(self) -> Money | None:
        """What would be available afterwards; None if nobody can tell yet."""
        return None if self.available is None else max(self.available, self.amount) - self.amount

    @property
    def is_short(self) -> bool:
        return self.available is not None and self.available < self.amount

    @property
    def problem(self) -> str:
        """Why the card does not bear it, in a sentence; "" if it does."""
        if self.available is None:
            return ""
        return problem_with_amount(self.available, self.amount, takes_partial=self.takes_partial)

    @property
    def button(self) -> str:
        """What the button says: the effect and its size."""
        return f"Hold {'up to ' if self.is_short else ''}{self.amount.format()}"


def quote_for(form: HoldForm) -> Quote | None:
    """The figures beside the form; None while the amount is missing or none."""
    if not (form.is_bound and form.is_valid()):
        return None
    card, amount = form.cleaned_data["card"], form.cleaned_data["amount"]
    if amount.minor <= 0:
        return None  # the service says why
    minor = card.available_minor
    available = None if minor is None else Money(minor, card.currency)
    return Quote(card, amount, available, form.cleaned_data["takes_partial"])


def problems_of(form: HoldForm, quote: Quote | None) -> list[tuple[str, str]]:
    """(field, sentence) of what is wrong so far; what is only missing yet is not wrong."""
    if quote is not None:
        return [("amount", quote.problem)] if quote.problem else []
    return [
        (name, str(sentence))
        for name, sentences in form.errors.items()
        if name in form.fields and form[name].value()
        for sentence in sentences
    ]
