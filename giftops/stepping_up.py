"""Giving one's password again before something that a stolen session must not be able to do.

A wrong password counts like one at signing in: the same number of failures locks the person out.
"""

from django.contrib.auth import authenticate
from django.db.models import Model
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from giftops import audit

FIELD = "password"
LONGEST = 500
MISSING = "Give your password again: it is good for this one time."
WRONG = "That is not your password. Nothing was changed."


@sensitive_variables("password")
def problem_with_password(request: HttpRequest, *, action: str, obj: Model) -> str:
    """Say what is wrong with the password that was sent along; "" if it is that of the person.

    `action` and `obj` are what it was asked for: a wrong one is recorded as a refusal of that.
    """
    password = request.POST.get(FIELD, "")
    if not password:
        return MISSING
    return "" if is_really(request, password, action=action, obj=obj) else WRONG


@sensitive_variables("password")
def is_really(request: HttpRequest, password: str, *, action: str, obj: Model) -> bool:
    """Whether the password is that of who is signed in; if not, the refusal is recorded."""
    request.sensitive_post_parameters = (FIELD,)  # type: ignore[attr-defined]
    if len(password) <= LONGEST and "\0" not in password:
        user = authenticate(request, username=request.user.get_username(), password=password)
        if user is not None and user.pk == request.user.pk:
            return True
    audit.record(
        action,
        actor=request.user,
        obj=obj,
        outcome="refused",
        request=request,
        why="wrong password",
    )
    return False
