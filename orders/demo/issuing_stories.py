"""What was asked of the issuer before anybody looks: numbers, cards on them, holds on those."""

from dataclasses import dataclass

from orders.demo.account import ISSUER


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHold:
    """Money to be held on the card at this position; all in main units."""

    position: int
    amount: str
    note: str
    takes_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCards:
    """Numbers from one agency, cards of these values on them, holds on the cards."""

    agency: str
    count: int | None = None  # None: a single number
    low_stock_at: int = 0
    values: tuple[str, ...] = ()  # main units
    holds: tuple[WantedHold, ...] = ()
    provider: str = ISSUER


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingStory:
    """One reservation and what is made of it."""

    title: str
    maker: str
    wanted: WantedCards


AT_ISSUER = (
    IssuingStory(
        title="Loyal customers",
        maker="mira",
        wanted=WantedCards(
            agency="Harbor Street",
            count=800,
            low_stock_at=100,
            values=("50.00", "25.00", "40.00", "25.00") * 3,
            holds=(
                WantedHold(position=1, amount="18.50", note="Till 2, receipt 4711"),
                WantedHold(position=2, amount="40.00", note="Web shop", takes_partial=True),
            ),
        ),
    ),
    IssuingStory(
        title="Sold at the counter", maker="jon", wanted=WantedCards(agency="Harbor Street")
    ),
)
