"""Long passwords that are still guessed first: a common word, repeated or padded."""

import re
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

FEWEST_CHARACTERS = 6  # different ones


class GuessableValidator:
    """Refuse `passwordpassword1!`, `aaaaaaaaaaaaaaa` and their kind (ASVS 6.2.4)."""

    def __init__(self) -> None:
        self._common: set[str] = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError with a sentence if it is one of those."""
        if len(set(password)) < FEWEST_CHARACTERS or self._is_padded(password.lower()):
            raise ValidationError(self.get_help_text(), code="password_too_guessable")

    def get_help_text(self) -> str:
        """Say what is asked for."""
        return "Take several unrelated words, not a common one repeated or followed by digits."

    def _is_padded(self, password: str) -> bool:
        bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
        return any(word in self._common for word in (bare, _once(password), _once(bare)))


def _once(text: str) -> str:
    """Give the part that a text repeats: "abcabc" gives "abc"; the text itself otherwise."""
    period = (text + text).find(text, 1)
    return text[:period] if 0 < period < len(text) else text
