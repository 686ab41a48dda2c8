"""One virtual clock for everybody; it moves only when everybody waits."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class VirtualTime:
    """Microseconds since START, shared by us, the database and the simulated provider."""

    def __init__(self, at: datetime = START) -> None:
        self._micros = round((at - START).total_seconds() * 1_000_000)

    @property
    def moment(self) -> datetime:
        return START + timedelta(microseconds=self._micros)

    @property
    def elapsed(self) -> float:
        """Seconds since START."""
        return self._micros / 1_000_000

    def now(self) -> float:
        """Unix time in seconds, as the simulated provider wants it."""
        return self.moment.timestamp()

    def after(self, seconds: float) -> float:
        """The time `seconds` from now, in whole microseconds as the clock counts them."""
        return round(self.elapsed + max(seconds, 0.0), 6)

    def move_to(self, elapsed: float) -> None:
        """Let time pass until `elapsed` seconds after START; never backwards."""
        self._micros = max(self._micros, round(elapsed * 1_000_000))
