"""Many connections, one prize: exactly one winner, the others told, no deadlock, sound books."""

import pytest

from tests.kills.trials import times

pytestmark = pytest.mark.prove

CONTESTANTS = 8
CROWDS = {"LastOfTheDepositInAllSizes": 16, "TakeFromOnePool": 16, "HoldOnTheSameCard": 16}
ROUNDS = {
    "SubmitTheSameBatch": 25,
    "SubmitForApproval": 25,
    "PlaceTheSameOrder": 25,
    "ClaimTheSameJob": 25,
    "WithdrawOrSend": 25,
    "ApproveTwice": 25,
    "ApproveOrDecline": 25,
    "ApproveOrWithdraw": 25,
    "LastOfTheDeposit": 25,
    "LastOfTheDepositInAllSizes": 15,
    "NewFundsBookedOnce": 25,
    "OneTokenOnce": 50,
    "ManyTokens": 25,
    "AppendToTheChain": 50,
    "ConfirmTheSameProposal": 25,
    "ProposeTwice": 25,
    "RetryTwice": 25,
    "LateAnswerOrLookUp": 15,
    "FollowTheSameOrder": 15,
    "ImportTheSameSpool": 15,
    "TakeFromOnePool": 2,
    "HoldOnTheSameCard": 12,
    "CreateTheSameCard": 12,
    "ConfirmOrCancel": 12,
    "ApproveOrWithdrawCards": 15,
    "Everything": 8,
}
"""Rounds of each race, free and forced, and per database."""
ON_FRESH_BOOKS = {"LastOfTheDeposit", "LastOfTheDepositInAllSizes", "NewFundsBookedOnce"}
"""They count every cent of the deposit, which the orders of other races leave unsettled."""

AT_THE_TILL = {"CreateTheSameCard", "ConfirmOrCancel", "ApproveOrWithdrawCards"}
"""They ask an issuer, over real HTTP."""


@pytest.mark.parametrize("forced", [False, True], ids=["free", "forced"])
@pytest.mark.parametrize("scenario", sorted(ROUNDS.keys() - ON_FRESH_BOOKS - AT_THE_TILL))
def test_one_wins_and_the_others_are_told(house, scenario, forced, tell):
    race(house, scenario, forced, tell)


@pytest.mark.parametrize("forced", [False, True], ids=["free", "forced"])
@pytest.mark.parametrize("scenario", sorted(AT_THE_TILL))
def test_what_is_issued_happens_once(till, scenario, forced, tell):
    race(till, scenario, forced, tell)


@pytest.mark.parametrize("forced", [False, True], ids=["free", "forced"])
@pytest.mark.parametrize("scenario", sorted(ON_FRESH_BOOKS))
def test_the_deposit_is_shared_out_to_the_cent(counted_house, scenario, forced, tell):
    race(counted_house, scenario, forced, tell)


def race(house, scenario, forced, tell):
    """Run the rounds of one race; nobody saw anything wrong."""
    if forced and house.database == "sqlite":
        pytest.skip("one writer at a time: nobody can be held inside a transaction")

    result = house.run(
        "tests.races.contest.race",
        scenario=scenario,
        contestants=CROWDS.get(scenario, CONTESTANTS),
        rounds=times(ROUNDS[scenario]),
        forced=forced,
        control=house.sandbox.url,
    )

    tell(f"{result['rounds']} rounds, {result['counts']}, {result['seconds']} s", result)
    assert result["problems"] == []
