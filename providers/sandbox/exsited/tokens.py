"""The tokens of the one set of credentials: a new one ends the previous one."""

import hmac

from providers.sandbox.exsited.form import TokenForm
from providers.sandbox.exsited.ledger import ExsitedLedger
from providers.sandbox.exsited.numbers import make_token

CLIENT_ID, CLIENT_SECRET = "sandbox", "sandbox"  # noqa: S105 - there is nothing to protect
REDIRECT_URI = "https://sandbox.example.com"


def knows(form: TokenForm) -> bool:
    """Whether the credentials are right; a refresh may come without its redirect_uri."""
    pairs = [(form.client_id, CLIENT_ID), (form.client_secret, CLIENT_SECRET)]
    if form.redirect_uri is not None:
        pairs.append((form.redirect_uri.rstrip("/"), REDIRECT_URI))
    return all([hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs])


class Tokens:
    """Access and refresh tokens. Times are Unix seconds."""

    def __init__(self, ledger: ExsitedLedger) -> None:
        self._ledger = ledger

    def issue(self, at: float, lives: float, alone: bool) -> tuple[str, str]:
        """A new access token and its refresh token; `alone`: all others end."""
        if alone:
            self.end(at)
        ordinal = (self._ledger.value("SELECT max(id) FROM tokens") or 0) + 1
        seed = self._ledger.setting("seed")
        access, refresh = (make_token(seed, what, ordinal) for what in ("access", "refresh"))
        self._ledger.insert(
            "tokens",
            {"value": access, "refresh": refresh, "issued_at": at, "expires_at": at + lives},
        )
        return access, refresh

    def are_good(self, value: str, at: float) -> bool:
        """Whether an access token opens anything."""
        return None is not self._ledger.row(
            "SELECT * FROM tokens WHERE value = ? AND expires_at > ?", value, at
        )

    def use_up(self, refresh: str) -> bool:
        """Spend a refresh token; False when it is worth nothing."""
        used = self._ledger.run(
            "UPDATE tokens SET refreshable = 0 WHERE refresh = ? AND refreshable", refresh
        )
        return bool(used.rowcount)

    def end(self, at: float) -> int:
        """Make all tokens worth nothing; returns how many were worth something."""
        ended = self._ledger.run("UPDATE tokens SET expires_at = ? WHERE expires_at > ?", at, at)
        self._ledger.run("UPDATE tokens SET refreshable = 0")
        return ended.rowcount
