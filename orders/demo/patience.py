"""In the demo, what is judged after minutes is judged after seconds, by each of its programs."""

from datetime import timedelta

from django.apps import AppConfig


class Patience(AppConfig):
    """Holds without an answer are read every 4 seconds, up to 24 seconds after they were sent."""

    name = "orders.demo"
    label = "demo"

    def ready(self) -> None:
        """Shorten the waits; how many readings must agree, and what they say, stays.

        There are more of them, since a busy machine may be too late for one.
        """
        from orders.weighing import holds  # models are loaded only now

        holds.LOOKS = tuple(timedelta(seconds=seconds) for seconds in range(4, 25, 4))
        holds.SETTLE = holds.LOOKS[0]
