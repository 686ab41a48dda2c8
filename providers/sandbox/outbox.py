"""What a provider sends of its own accord, such as webhooks; it outlives the process."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from providers.sandbox.ledger import Ledger
from providers.sandbox.wire import Post

ATTEMPTS = 3
PAUSE = 1.0  # seconds of the provider's time between two attempts
ELSEWHERE = "not sent: only this machine is posted to"


class Outbox:
    """The posts of one provider. What was taken but not noted when the process ended goes again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, url: str, body: bytes, due_at: float, subject: str) -> None:
        """Send `body` to `url` once it is `due_at`; `subject` is what it is about."""
        post = {"url": url, "body": body, "due_at": due_at, "subject": subject}
        if not is_loopback(url):
            post |= {"done_at": due_at, "outcome": ELSEWHERE}
        self._ledger.insert("posts", post)

    def due(self, now: float) -> list[Post]:
        """What has to go by now, oldest first."""
        rows = self._ledger.rows(
            "SELECT * FROM posts WHERE done_at IS NULL AND due_at <= ? ORDER BY due_at, id", now
        )
        return [Post(row["id"], row["url"], row["body"]) for row in rows]

    def note(self, post: Post, outcome: str, delivered: bool, now: float) -> None:
        """Say how an attempt went; a failed one is repeated a few times."""
        self._ledger.run(
            "UPDATE posts SET attempts = attempts + 1, outcome = ?, due_at = ?,"
            " done_at = CASE WHEN ? OR attempts + 1 >= ? THEN ? END WHERE id = ?",
            outcome,
            now if delivered else now + PAUSE,
            delivered,
            ATTEMPTS,
            now,
            post.id,
        )

    def listed(self) -> list[dict[str, Any]]:
        """All posts without their bodies."""
        names = ("id", "subject", "url", "due_at", "attempts", "done_at", "outcome")
        rows = self._ledger.rows("SELECT * FROM posts ORDER BY id")
        return [{name: row[name] for name in names} for row in rows]


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
