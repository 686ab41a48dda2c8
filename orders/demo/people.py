"""One person per role (and two makers). Passwords are made once and kept beside the data."""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from giftops import audit
from giftops.identity import entropy
from giftops.models import User
from giftops.roles import ROLES


@dataclass(frozen=True, slots=True)
class Person:
    """Who they are and what they come for."""

    username: str
    name: str
    role: str
    comes_for: str


PEOPLE = (
    Person("mira", "Mira Lindqvist", "finance_maker", "buys cards, follows them"),
    Person("jon", "Jon Abara", "finance_maker", "the same, beside Mira"),
    Person("tom", "Tom Verhoeven", "finance_approver", "approves from 1,000.00 on"),
    Person("ada", "Ada Moreau", "support_agent", "reveals a card, says why"),
    Person("lee", "Lee Okafor", "auditor", "sees everything but codes"),
    Person("sam", "Sam Novak", "administrator", "people, accounts, health"),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to sign in as somebody; `password` is empty when they chose one of their own."""

    person: Person
    password: str

    @property
    def role(self) -> str:
        """The role as people say it."""
        return ROLES[self.person.role].label


def seed_people() -> list[SignIn]:
    """Make the people who are missing; who is there already keeps everything.

    Raises RuntimeError without DEBUG: where real work is done, nobody has a password in a file.
    """
    if not settings.DEBUG:
        raise RuntimeError("Demo people are made only where DEBUG is on.")
    kept = _read_passwords()
    passwords = {person.username: kept.get(person.username) or _fresh() for person in PEOPLE}
    if passwords != kept:
        _keep_passwords(passwords)
    return [_sign_in(person, passwords[person.username]) for person in PEOPLE]


def _sign_in(person: Person, password: str) -> SignIn:
    user = User.objects.filter(username=person.username).first()
    if user is None:
        _create(person, password)
    elif not user.check_password(password):
        return SignIn(person, "")
    return SignIn(person, password)


def _create(person: Person, password: str) -> None:
    first, _, last = person.name.partition(" ")
    with transaction.atomic():
        user = User.objects.create_user(
            person.username,
            f"{person.username}@example.com",
            password,
            first_name=first,
            last_name=last,
            role=person.role,
            is_staff=True,
        )
        audit.record("user.created", actor=None, obj=user, role=person.role, why="demo")


def _fresh() -> str:
    """Give 80 random bits as four groups that can be read aloud."""
    text = base64.b32encode(entropy(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _file() -> Path:
    return settings.GIFTOPS_VAR / "demo-sign-ins.json"


def _read_passwords() -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(_file().read_text())
    except FileNotFoundError:
        return {}
    return kept


def _keep_passwords(passwords: dict[str, str]) -> None:
    """Write the file before the people, so that no password is ever lost half way."""
    scratch = _file().with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(passwords, file, indent=2)
    scratch.replace(_file())
