"""Why a service refused: each carries one sentence for the person, and nothing was changed."""


class Refused(Exception):
    """The request makes no sense in this state, or may not be made by this person."""


class LostTheRace(Refused):
    """Somebody else was first; the sentence says who and when."""


class NotEnoughMoney(Refused):
    """The deposit does not cover it; the sentence says by how much."""


class InvalidOrder(Refused):
    """What was asked for cannot be bought. `field` is the form field it belongs to, or ""."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field
