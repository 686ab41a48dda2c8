"""Actions that take effect once, however often the button is pressed.

A page that acts carries a fresh token. The token is stored in the same transaction as the effect:
a double click, a re-posted form or a second browser tab finds it taken and shows the first answer.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction

from giftops import clock, identity
from giftops.models import ActionToken

TOKEN_BYTES = 24
USABLE_TOKEN = re.compile(r"[!-~]{1,64}")  # the column takes no longer one

Result = dict[str, Any]
Anybody = AbstractBaseUser | AnonymousUser


class OnceError(ValueError):
    """The token cannot be used; the sentence says what to do and may be shown."""


def new_token() -> str:
    """A fresh token of 32 URL-safe characters for one form."""
    return base64.urlsafe_b64encode(identity.entropy(TOKEN_BYTES)).decode()


def once(
    token: str, *, user: Anybody, purpose: str, work: Callable[[], Result]
) -> tuple[Result, bool]:
    """Do `work` unless this token was used before; give its result and whether it was repeated.

    Token and work commit together: if `work` raises, the token stays unused. A second use waits for
    the first and gets the first's stored result (so results must be plain JSON values). Raises
    OnceError if the token is unusable, belongs to someone else or was made for another purpose.
    """
    if not USABLE_TOKEN.fullmatch(token):
        raise OnceError("This page has expired. Reload it and try again.")
    with transaction.atomic():
        used = _use(token, user, purpose)
        if used is None:
            return _earlier_result(token, user, purpose), True
        used.result = work()
        used.save(update_fields=["result"])
    return used.result, False


def _use(token: str, user: Anybody, purpose: str) -> ActionToken | None:
    """Take the token; None if it is taken (the unique key waits for a use that is under way)."""
    if user.pk is None:
        raise OnceError("Sign in first.")
    try:
        with transaction.atomic():
            return ActionToken.objects.create(
                token=token, user_id=user.pk, purpose=purpose, used_at=clock.db_now()
            )
    except IntegrityError:
        return None


def _earlier_result(token: str, user: Anybody, purpose: str) -> Result:
    used = ActionToken.objects.filter(token=token).first()
    if used is None or (used.user_id, used.purpose) != (user.pk, purpose):
        raise OnceError("This page was made for someone or something else. Reload it.")
    result: Result = used.result
    return result
