"""Carries what the providers send to where it belongs, in threads of its own."""

import threading
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import SimpleQueue
from urllib.parse import urlsplit

from providers.sandbox.provider import SimulatedProvider
from providers.sandbox.wire import Post

TIMEOUT = 5.0  # seconds, for connecting and for every read
WORKERS = 4

Errand = tuple[SimulatedProvider, Post]


class Courier:
    """Takes posts out of the providers' outboxes and delivers each; its threads start on demand."""

    def __init__(self, providers: Iterable[SimulatedProvider]) -> None:
        self._providers = list(providers)
        self._errands: SimpleQueue[Errand] = SimpleQueue()
        self._under_way: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._started = self._stopped = False

    def hand_out(self) -> None:
        """Let time pass at the providers and start what is due; returns at once."""
        with self._lock:  # so that nothing is noted between the look and the decision
            for provider in self._providers:
                for post in provider.due_posts():
                    self._take(provider, post)

    def stop(self) -> None:
        """Touch no outbox from now on; what is under way goes again after the next start."""
        with self._lock:
            self._stopped = True

    def _take(self, provider: SimulatedProvider, post: Post) -> None:
        if (provider.slug, post.id) not in self._under_way:
            self._under_way.add((provider.slug, post.id))
            self._start()
            self._errands.put((provider, post))

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(WORKERS):
                threading.Thread(target=self._work, name="courier", daemon=True).start()

    def _work(self) -> None:
        while True:
            provider, post = self._errands.get()
            outcome, delivered = deliver(post)
            with self._lock:
                if self._stopped:
                    return
                provider.note_post(post, outcome, delivered)
                self._under_way.discard((provider.slug, post.id))


def deliver(post: Post) -> tuple[str, bool]:
    """POST once, without following redirects; returns what came back and whether it was a 2xx."""
    target = urlsplit(post.url)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {"Content-Type": "application/json", "User-Agent": "sandbox"}
    try:
        connection = kind(target.hostname or "", target.port, timeout=TIMEOUT)
        try:
            connection.request("POST", path, post.body, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        return type(error).__name__, False
    return str(status), 200 <= status < 300
