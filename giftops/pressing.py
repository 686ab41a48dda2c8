"""Pressing a button acts once, however often the browser sends it.

The token is taken first, in a transaction of its own, because what follows may call a provider and
must not hold one open. A second press finds the token taken and gets the first press's sentence.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops.models import ActionToken
from giftops.once import OnceError, once

FIELD = "once"
STILL_AT_IT = "This is being done already. Look again in a moment."


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a sentence, and where to watch it."""

    sentence: str
    link: str = ""
    label: str = "Watch it"


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a press: a level of django.contrib.messages, one sentence, an HTTP status."""

    level: int
    sentence: str
    status: int = 200
    link: str = ""
    label: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the work was carried out, now or by the first press."""
        return self.status == 200

    @property
    def line(self) -> str | SafeString:
        """The sentence with its link, for the top of the next page."""
        if not self.link:
            return self.sentence
        return format_html('{} <a href="{}">{}</a>', self.sentence, self.link, self.label)


def press(
    request: HttpRequest,
    purpose: str,
    work: Callable[[], str | Done],
    *,
    refusals: tuple[type[Exception], ...],
) -> Said:
    """Carry out `work` unless this form was sent before; its sentence, or that of the first time.

    `refusals` are the errors whose text is a sentence for the person; anything else is raised.
    """
    token = request.POST.get(FIELD, "")
    try:
        earlier, is_repeated = once(token, user=request.user, purpose=purpose, work=dict)
    except OnceError as problem:
        return Said(messages.ERROR, str(problem), 400)
    if is_repeated:
        return _earlier(earlier)
    said = _carry_out(work, refusals)
    _remember(token, said)
    return said


def _carry_out(work: Callable[[], str | Done], refusals: tuple[type[Exception], ...]) -> Said:
    try:
        done = work()
    except refusals as problem:
        return Said(messages.WARNING, str(problem), 409)
    if isinstance(done, str):
        return Said(messages.SUCCESS, done)
    return Said(messages.SUCCESS, done.sentence, link=done.link, label=done.label)


def _remember(token: str, said: Said) -> None:
    ActionToken.objects.filter(token=token).update(result=asdict(said))


def _earlier(kept: dict[str, Any]) -> Said:
    return Said(**kept) if kept else Said(messages.INFO, STILL_AT_IT)
