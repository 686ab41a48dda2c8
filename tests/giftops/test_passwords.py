import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from giftops import settings as production


@pytest.mark.parametrize(
    "password",
    [
        "",
        "Tr0ub4dor&3",  # too short
        "fourteen chars",
        "123456789012345678",
        "aaaaaaaaaaaaaaaaaaa",
        "abababababababab",
        "passwordpassword",
        "Password12345678!",
        "12345678password!!!",
        "qwertyqwertyqwerty",
        "letmeinletmein1234",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "giftops demo maker", "näh-maschinen-im-regen"]
)
def test_a_few_unrelated_words_are_fine(password):
    validate_password(password)


@pytest.mark.django_db
def test_a_password_like_its_owner_is_refused(user):
    person = user("auditor", username="margarethe.von.trotta")

    with pytest.raises(ValidationError, match="too similar"):
        validate_password("margarethe.trotta", person)


def test_passwords_are_kept_as_argon2(settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS

    assert identify_hasher(make_password("correct horse battery staple")).algorithm == "argon2"
