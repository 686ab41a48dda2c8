"""The fields of the form that has cards created: one card, or a sheet of customers."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import Any
from uuid import UUID

from django import forms

from giftops.money import Money, MoneyError
from orders.admin.buy_form import MOST_PASTED, amount_of, text
from orders.admin.issuing.number_form import issuing_accounts, whole_number
from orders.admin.issuing.pool_rows import PoolRow, rows_of, singles
from orders.models import Issuance, Pool, Reservation
from orders.services.issuing.cards import card_wishes, wish_sheets
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.cards.issuing import refused_wishes
from orders.services.issuing.cards.wish_sheets import Sheet, UnreadableSheet
from orders.services.problems import InvalidOrder
from providers.models import ProviderAccount

ONE, MANY = "one", "many"
HOW = [(ONE, "One card"), (MANY, "Many, from a sheet")]
FIT_CODE = "A"
MOST_TOLD = 50
NO_SOURCE = "Choose where the number comes from."
AT_CUSTOMER = frozenset({"customer_id", "customer_email", "customer_name"})
AT_SOURCE = frozenset({"pool", "reservation", "account"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where numbers come from: a pool, or a single reserved number; `left` may be used now."""

    key: str
    account: ProviderAccount
    name: str
    left: int
    note: str
    pool: Pool | None = None
    reservation: Reservation | None = None

    @property
    def is_single(self) -> bool:
        return self.reservation is not None


def sources(accounts: Sequence[ProviderAccount]) -> list[Source]:
    """Every pool of these accounts, then every single number that is usable."""
    pools = Pool.objects.filter(account__in=accounts).select_related("account")
    return [_of_pool(row) for row in rows_of(pools)] + [
        _of_single(row.reservation, row.clock) for row in singles() if row.is_usable
    ]


def _of_pool(row: PoolRow) -> Source:
    note = f"{row.free:,} free" if row.free else "no number is free"
    return Source(
        f"pool:{row.pool.pk}", row.pool.account, str(row.pool), row.free, note, pool=row.pool
    )


def _of_single(reservation: Reservation, clock: str) -> Source:
    name = " · ".join(part for part in (reservation.agency, reservation.name) if part)
    return Source(
        f"reservation:{reservation.pk}", reservation.account, name, 1, clock,
        reservation=reservation,
    )  # fmt: skip


class IssueForm(forms.Form):
    """What a person asks for; `wishes()` gives it to the service once the form is valid."""

    source = text(60, "Number from")
    how = forms.ChoiceField(choices=HOW, required=False, initial=ONE)
    customer = text(254, "Customer")
    code = text(40, "Gift card code")
    value = text(20, "Value")
    points = whole_number("Points", required=False)
    sheet = text(MOST_PASTED, "Customers", strip=False)
    file = forms.FileField(required=False, label="Or a file", allow_empty_file=True)
    title = text(120, "What it is for")
    may_repeat = forms.BooleanField(required=False)
    again = forms.UUIDField(required=False, widget=forms.HiddenInput)

    # --- What is chosen: known before anything is validated ---------------------------------------

    @cached_property
    def accounts(self) -> list[ProviderAccount]:
        """The accounts that are switched on and make cards, read once a form."""
        return issuing_accounts()

    @cached_property
    def sources(self) -> list[Source]:
        """Everything to choose from, read once a form."""
        return sources(self.accounts)

    @property
    def chosen(self) -> Source | None:
        """The chosen one; the only one there is if none is chosen."""
        key = str(self["source"].value() or "")
        if not key and len(self.sources) == 1:
            return self.sources[0]
        return next((source for source in self.sources if source.key == key), None)

    @property
    def is_many(self) -> bool:
        """Whether a sheet is asked for; a single number never makes many cards."""
        is_single = self.chosen is not None and self.chosen.is_single
        return self["how"].value() == MANY and not is_single

    @property
    def corrected(self) -> Issuance | None:
        """The issuance whose refused cards these are, if they are."""
        return _issuance(str(self["again"].value() or ""))

    @property
    def currency(self) -> str:
        return self.chosen.account.currency if self.chosen else "USD"

    # --- Reading what was typed -------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """Read the one card, or the sheet, in the currency of the account."""
        data = super().clean() or {}
        data["wishes"] = []
        if self.chosen is None:
            self.add_error("source", NO_SOURCE)
        elif self.is_many:
            self._clean_sheet(data, self.chosen.account)
        else:
            self._clean_one(data, self.chosen.account)
        return data

    def clean_file(self) -> str:
        """The text of an uploaded sheet."""
        upload = self.cleaned_data.get("file")
        if not upload:
            return ""
        try:
            return wish_sheets.text_of(upload.read(wish_sheets.MOST_BYTES + 1))
        except UnreadableSheet as problem:
            raise forms.ValidationError(str(problem)) from None

    def _clean_one(self, data: dict[str, Any], account: ProviderAccount) -> None:
        for name, sentence in (
            ("customer", "Give the customer's number or e-mail address."),
            ("code", "Say which kind of card: the gift card code."),
            ("value", "Say what the card is worth."),
        ):
            if not data.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        customer, value = data.get("customer") or "", self._value(data)
        fit = self._fit_value if value is None else value
        who = "customer_email" if "@" in customer else "customer_id"
        wish = CardWish(
            code=data.get("code") or FIT_CODE, value=fit, points=data.get("points"),
            **{"customer_id": ""} | {who: customer},
        )  # fmt: skip
        self._check_one(wish, account)
        if not self.errors:
            data["wishes"] = [wish]

    def _check_one(self, wish: CardWish, account: ProviderAccount) -> None:
        """Say all at once what the service would refuse one by one."""
        try:
            problems = card_wishes.problems_of_one(account, wish)
        except InvalidOrder as problem:
            problems = [(problem.field, str(problem))]
        for at, sentence in problems:
            field = self.field_for(at)
            if field not in self.errors:
                self.add_error(field, sentence)

    @property
    def _fit_value(self) -> Money:
        """Stands for a value that could not be read, so that everything else can be judged."""
        return Money(100, self.currency)

    def _value(self, data: dict[str, Any]) -> Money | None:
        if not data.get("value"):
            return None
        try:
            return amount_of(data["value"].strip(), self.currency)
        except MoneyError as problem:
            self.add_error("value", str(problem))
            return None

    def _clean_sheet(self, data: dict[str, Any], account: ProviderAccount) -> None:
        content = data.get("file") or data.get("sheet") or ""
        value = self._value(data)
        if "file" in self.errors or "sheet" in self.errors:
            return
        if not content.strip():
            self.add_error("sheet", "Paste the customers, or choose a file.")
            return
        usual = self._fit_value if "value" in self.errors else value
        read = wish_sheets.read_sheet(
            content, currency=account.currency, code=data.get("code") or "", value=usual
        )
        if not (read.wishes or read.problems):
            self.add_error("sheet", "There is no customer in it.")
        else:
            self._check_rows(read, account, data)
        data["wishes"] = [] if "value" in self.errors else read.wishes

    def _check_rows(self, read: Sheet, account: ProviderAccount, data: dict[str, Any]) -> None:
        """Say what the service would refuse, while it is typed; nobody is called for a sheet."""
        rows = sorted([*read.wishes, *read.flawed], key=lambda wish: wish.row)
        try:
            found = card_wishes.row_problems(
                account, rows, may_repeat=data.get("may_repeat", False)
            )
        except InvalidOrder as problem:
            self.add_error("sheet", str(problem))
            found = []
        for sentence in _at_most(sorted([*read.problems, *found], key=_row_of)):
            self.add_error("sheet", sentence)

    def field_for(self, name: str) -> str | None:
        """The field of this form at which a service's problem is said; None if it has none."""
        if name in AT_SOURCE:
            return "source"
        if self.is_many:
            return "title" if name == "title" else "sheet"
        if name in AT_CUSTOMER:
            return "customer"
        return name if name in self.fields else None

    def wishes(self) -> list[CardWish]:
        """What was asked for, as far as it could be read."""
        found: list[CardWish] = getattr(self, "cleaned_data", {}).get("wishes", [])
        return found


def wished(address: dict[str, Any]) -> dict[str, Any]:
    """What a link filled in: `?pool=`, `?reservation=`, or `?again=` an issuance's refused rows."""
    filled: dict[str, Any] = {"how": ONE}
    if again := _issuance(address.get("again", "")):
        filled |= {"how": MANY, "title": again.title, "sheet": sheet_of(refused_wishes(again))}
        filled |= {"source": f"pool:{again.pool_id}", "again": str(again.pk)}
    for kind in ("pool", "reservation"):
        try:
            filled["source"] = f"{kind}:{UUID(address.get(kind, ''))}"
        except ValueError:
            continue
    return filled


def sheet_of(wishes: Sequence[CardWish]) -> str:
    """Wishes as the rows of a sheet, in the order of its columns."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for wish in wishes:
        points = "" if wish.points is None else wish.points
        value = wish.value.decimal()
        rows.writerow([wish.customer_id, wish.customer_name, wish.customer_email, wish.code,
                       value, points])  # fmt: skip
    return text.getvalue()


def _row_of(problem: str) -> int:
    """The row that a sentence about a sheet begins with: "Row 12: …"."""
    return int(problem.split(":")[0].removeprefix("Row "))


def _at_most(problems: Sequence[str]) -> Iterator[str]:
    """As many as somebody mends in one go, and how many more there are."""
    yield from problems[:MOST_TOLD]
    if len(problems) > MOST_TOLD:
        yield f"And {len(problems) - MOST_TOLD:,} more like these."


def _issuance(text: str) -> Issuance | None:
    try:
        return Issuance.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None
