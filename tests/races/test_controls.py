"""With a guard taken away, its race finds something: so the races can fail."""

import pytest

pytestmark = pytest.mark.prove

GUARDS = [
    ("hold_by_looking_first", "LastOfTheDeposit"),
    ("hold_by_looking_first", "LastOfTheDepositInAllSizes"),
    ("move_whatever_it_was", "WithdrawOrSend"),
    ("book_what_was_read", "NewFundsBookedOnce"),
    ("count_the_chain_by_hand", "AppendToTheChain"),
    ("look_for_the_token_first", "OneTokenOnce"),
    ("audit_before_money", "Everything"),
    ("take_what_was_seen", "TakeFromOnePool"),
]
AT_THE_TILL = [
    ("step_whatever_it_was", "CreateTheSameCard"),
    ("decide_on_what_was_seen", "ApproveOrWithdrawCards"),
]


@pytest.mark.parametrize(("guard", "scenario"), GUARDS)
def test_a_race_without_its_guard_is_noticed(scratch_house, guard, scenario):
    assert problems_without(guard, scenario, scratch_house)


@pytest.mark.parametrize(("guard", "scenario"), AT_THE_TILL)
def test_what_is_issued_without_its_guard_is_noticed(scratch_till, guard, scenario):
    assert problems_without(guard, scenario, scratch_till)


def problems_without(guard, scenario, house):
    """What a forced race has to tell when that guard is gone."""
    result = house.run(
        "tests.races.contest.race",
        scenario=scenario,
        contestants=8,
        rounds=25,
        forced=True,
        control=house.sandbox.url,
        without=guard,
    )

    return result["problems"]
