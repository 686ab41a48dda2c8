from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction

from giftops.models import ActionToken, User
from giftops.once import OnceError, new_token, once

pytestmark = pytest.mark.django_db


@pytest.fixture
def work():
    """Something to do that counts how often it was done."""

    def do():
        do.count += 1
        return {"placed": do.count}

    do.count = 0
    return do


def test_a_second_press_gives_the_first_answer(user, work):
    ann = user("finance_maker")

    first = once("t1", user=ann, purpose="submit", work=work)
    second = once("t1", user=ann, purpose="submit", work=work)

    assert (first, second) == (({"placed": 1}, False), ({"placed": 1}, True))
    assert work.count == 1


def test_another_token_is_another_action(user, work):
    ann = user("finance_maker")

    once("t1", user=ann, purpose="submit", work=work)
    result = once("t2", user=ann, purpose="submit", work=work)

    assert result == ({"placed": 2}, False)


def test_a_failed_action_leaves_its_token_unused(user, work):
    ann = user("finance_maker")

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        once("t1", user=ann, purpose="submit", work=fail)

    assert once("t1", user=ann, purpose="submit", work=work) == ({"placed": 1}, False)


def test_what_a_failed_action_changed_is_undone(user):
    ann = user("finance_maker")

    def change_and_fail():
        User.objects.filter(pk=ann.pk).update(first_name="changed")
        raise LookupError

    with suppress(LookupError):
        once("t1", user=ann, purpose="submit", work=change_and_fail)

    ann.refresh_from_db()
    assert ann.first_name == ""


def test_a_conflict_inside_the_action_is_not_taken_for_a_second_press(user):
    ann = user("finance_maker")

    def conflict():
        with transaction.atomic():
            ActionToken.objects.create(token="t1", user=ann, purpose="same key")

    with pytest.raises(IntegrityError):
        once("t1", user=ann, purpose="submit", work=conflict)


def test_the_token_of_another_person_is_refused(user, work):
    once("t1", user=user("finance_maker"), purpose="submit", work=work)

    with pytest.raises(OnceError, match="someone or something else"):
        once("t1", user=user("finance_approver"), purpose="submit", work=work)

    assert work.count == 1


def test_a_token_for_another_purpose_is_refused(user, work):
    ann = user("finance_maker")
    once("t1", user=ann, purpose="submit", work=work)

    with pytest.raises(OnceError, match="someone or something else"):
        once("t1", user=ann, purpose="approve", work=work)


@pytest.mark.parametrize("token", ["", "x" * 65])
def test_an_unusable_token_asks_for_a_reload(user, work, token):
    with pytest.raises(OnceError, match="Reload"):
        once(token, user=user("finance_maker"), purpose="submit", work=work)

    assert work.count == 0


def test_fresh_tokens_differ_and_fit_into_a_form():
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {32}


@pytest.mark.parametrize("token", ["", "x" * 65, "a\0b", "a b", "a\n", "é"])
def test_what_no_page_carries_is_no_token(user, work, token):
    with pytest.raises(OnceError, match="expired"):
        once(token, user=user("finance_maker"), purpose="submit", work=work)

    assert work.count == 0
