"""What will become of one request: the usual, until a fault shapes it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """What a stranger does to the card right after the request: spend, hold or release."""

    act: str
    minor: int


@dataclass(slots=True, kw_only=True)
class Plan:
    """The oddities of one request. Times are in seconds, money in minor units.

    `most` and `extra` are about the count of numbers, `lapses_after` and `stranger_after` about
    what becomes of them; None stands for what the settings say. `held_most` caps what an
    authorization holds, `is_opposite` turns Confirm into Cancel and the other way round.
    """

    most: int | None = None
    extra: int = 0
    lapses_after: float | None = None
    stranger_after: float | None = None
    unfound_for: float = 0.0
    is_renamed: bool = False
    value_off: int = 0
    dated_off: float = 0.0
    held_most: int | None = None
    is_opposite: bool = False
    meddling: list[Meddling] = field(default_factory=list)
