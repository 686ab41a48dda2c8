"""What having cards created comes to: how many, how much, what is left, who must agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from giftops.models import User
from giftops.money import Money
from orders.admin.issuing.issue_form import IssueForm, Source
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.limits import is_below, limit_for


@dataclass(frozen=True, slots=True)
class IssueQuote:
    """The figures beside the form. `limit`: from which total on it needs an approver."""

    source: Source
    count: int
    total: Money
    limit: Money | None
    points: int

    @property
    def needs_approval(self) -> bool:
        """Whether a second person has to agree before a card is created."""
        return not is_below(self.total, self.limit)

    @property
    def left(self) -> int:
        """How many numbers would be left; negative if there are too few."""
        return self.source.left - self.count

    @property
    def missing(self) -> int:
        return max(-self.left, 0)

    @property
    def what(self) -> str:
        """What would be made: "1 card", "500 cards"."""
        return "1 card" if self.count == 1 else f"{self.count:,} cards"

    @property
    def button(self) -> str:
        """What the button says: the effect and its size."""
        if self.needs_approval:
            return f"Submit {self.what} for approval · {self.total.format()}"
        return f"Create {self.what} · {self.total.format()}"


def quote_for(form: IssueForm, maker: User) -> IssueQuote | None:
    """The figures for a person's form; None while there is no card in it that could be read."""
    if not form.is_bound:
        return None
    form.is_valid()
    wishes, source = form.wishes(), form.chosen
    total = _total(wishes)
    if source is None or total is None or total.minor <= 0:
        return None
    return IssueQuote(
        source=source,
        count=len(wishes),
        total=total,
        limit=limit_for(source.account, maker.role, total.currency),
        points=sum(wish.points or 0 for wish in wishes),
    )


def problems_of(form: IssueForm) -> list[tuple[str, str]]:
    """(field, sentence) of what is wrong so far; what is only missing yet is not wrong."""
    if not form.is_bound or form.is_valid():
        return []
    return [
        (name, str(sentence))
        for name, sentences in form.errors.items()
        if name in form.fields and form[name].value()
        for sentence in sentences
    ]


def _total(wishes: Sequence[CardWish]) -> Money | None:
    try:
        return sum((wish.value for wish in wishes[1:]), wishes[0].value) if wishes else None
    except ValueError:
        return None  # two currencies, or beyond what is counted: the service says so
