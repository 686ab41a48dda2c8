"""Mirroring the short lists: counts, and what never happens to them."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giftops.money import Money
from providers import options, services
from providers.columns import option_columns
from providers.gateways.base import OptionKind, OptionLister, RemoteOption, UnreadableItem
from providers.gateways.errors import ProviderUnavailable
from providers.models import ProviderAccount, ProviderOption, SyncRun
from tests.providers.conftest import MakeAccount

pytestmark = pytest.mark.django_db

STANDARD = RemoteOption(
    kind=OptionKind.SHIPPING_METHOD, external_id="STANDARD", name="Standard",
    cost=Money(495, "USD"), fulfillment_group="GROUP1",
)  # fmt: skip
EXPRESS = RemoteOption(kind=OptionKind.SHIPPING_METHOD, external_id="EXPRESS", name="Express")
PLAIN = RemoteOption(kind=OptionKind.CARRIER, external_id="STANDARD", name="Plain carrier")
WELLNESS = RemoteOption(kind=OptionKind.BRANDING, external_id="B1", name="Wellness")
ALL = (STANDARD, EXPRESS, PLAIN, WELLNESS)
BROKEN = UnreadableItem(position="item 2", problem="It has no name.")


class Lister:
    """A provider with these lists; an error in them ends the reading."""

    slug = "lister"

    def __init__(self, *entries: RemoteOption | UnreadableItem | Exception) -> None:
        self.entries = entries

    def list_options(self) -> Iterator[RemoteOption | UnreadableItem]:
        for entry in self.entries:
            if isinstance(entry, Exception):
                raise entry
            yield entry


def refresh(account: ProviderAccount, *entries: Any) -> SyncRun:
    lister: OptionLister = Lister(*entries)
    return services.refresh_options(account.pk, lister=lister)


def counts(run: SyncRun) -> dict[str, int]:
    names = ("new", "changed", "same", "gone", "failed")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


def listed(account: ProviderAccount) -> set[str]:
    return set(account.options.filter(is_listed=True).values_list("name", flat=True))


def test_the_lists_are_mirrored_and_a_second_look_changes_nothing(
    account: ProviderAccount,
) -> None:
    first = refresh(account, *ALL)
    second = refresh(account, *ALL)

    assert (first.what, first.state, counts(first)) == ("options", "done", {"new": 4})
    assert (second.state, counts(second)) == ("done", {"same": 4})
    standard = ProviderOption.objects.get(kind="shipping_method", external_id="STANDARD")
    assert (standard.cost, standard.fulfillment_group) == (Money(495, "USD"), "GROUP1")
    assert ProviderOption.objects.get(kind="carrier").name == "Plain carrier"


def test_changed_vanished_and_returned_entries_are_told_apart(account: ProviderAccount) -> None:
    dearer = RemoteOption(
        kind=OptionKind.SHIPPING_METHOD, external_id="STANDARD", name="Standard",
        cost=Money(595, "USD"), fulfillment_group="GROUP1",
    )  # fmt: skip
    refresh(account, *ALL)

    changed = refresh(account, dearer, PLAIN, WELLNESS)
    returned = refresh(account, dearer, EXPRESS, PLAIN, WELLNESS)

    assert counts(changed) == {"changed": 1, "same": 2, "gone": 1}
    assert counts(returned) == {"changed": 1, "same": 3}
    assert listed(account) == {"Standard", "Express", "Plain carrier", "Wellness"}


NOT_WHOLE: dict[str, tuple[Any, ...]] = {
    "it broke off": (STANDARD, PLAIN, WELLNESS, ProviderUnavailable("no answer")),
    "it failed at once": (ProviderUnavailable("no answer"),),
    "all empty": (),
    "one empty": (STANDARD, EXPRESS, PLAIN),
}


@pytest.mark.parametrize("entries", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_lists_that_are_not_whole_never_retire_what_is_known(
    account: ProviderAccount, entries: tuple[Any, ...]
) -> None:
    refresh(account, *ALL)

    run = refresh(account, *entries)

    assert (run.state, run.gone) == ("failed", 0)
    assert run.error
    assert len(listed(account)) == 4


def test_an_empty_list_is_named_and_the_others_are_still_followed(
    account: ProviderAccount,
) -> None:
    refresh(account, *ALL)

    run = refresh(account, STANDARD, PLAIN)

    assert run.error == "the list of brandings came empty; what we knew of it was kept"
    assert counts(run) == {"same": 2, "gone": 1}
    assert listed(account) == {"Standard", "Plain carrier", "Wellness"}


def test_an_account_that_has_none_is_well(account: ProviderAccount) -> None:
    run = refresh(account)

    assert (run.state, run.error, counts(run)) == ("done", "", {})


def test_one_bad_entry_is_counted_and_does_not_stop_the_rest(account: ProviderAccount) -> None:
    run = refresh(account, STANDARD, BROKEN, PLAIN, STANDARD)

    assert (run.state, counts(run)) == ("done", {"new": 2, "failed": 2})


def test_what_cannot_be_read_today_stays_listed(account: ProviderAccount) -> None:
    refresh(account, *ALL)

    named = UnreadableItem(position="item 2", problem="It has no name.", external_id="EXPRESS")
    refresh(account, STANDARD, named, PLAIN, WELLNESS)
    known = listed(account)
    refresh(account, STANDARD, BROKEN, PLAIN, WELLNESS)

    assert known == listed(account) == {"Standard", "Express", "Plain carrier", "Wellness"}


def test_an_entry_that_the_database_refuses_does_not_stop_the_rest(
    account: ProviderAccount,
) -> None:
    nameless = RemoteOption(kind=OptionKind.CARRIER, external_id="X", name=None)  # type: ignore[arg-type]

    run = refresh(account, nameless, STANDARD)

    assert (run.state, counts(run)) == ("done", {"new": 1, "failed": 1})


def test_options_of_two_accounts_do_not_mix(make_account: MakeAccount) -> None:
    one, other = make_account(name="one"), make_account(name="other")
    refresh(one, *ALL)
    refresh(other, STANDARD)

    refresh(other, EXPRESS)

    assert len(listed(one)) == 4
    assert listed(other) == {"Express"}


def remote(kind: OptionKind, identity: str, name: str) -> RemoteOption:
    return RemoteOption(kind=kind, external_id=identity, name=name)


KINDS, IDS = st.sampled_from(list(OptionKind)[:2]), st.sampled_from("abc")


@given(
    known=st.dictionaries(st.tuples(KINDS, IDS), st.tuples(st.sampled_from("xy"), st.booleans())),
    seen=st.lists(st.tuples(KINDS, IDS, st.sampled_from("xy"))),
    unreadable=st.lists(IDS | st.just("")),
    error=st.sampled_from(["", "it broke off"]),
)
def test_every_entry_is_planned_once_and_only_whole_lists_retire(
    known: dict[tuple[OptionKind, str], tuple[str, bool]],
    seen: list[tuple[OptionKind, str, str]],
    unreadable: list[str],
    error: str,
) -> None:
    mirror = {
        (kind.value, key): options.Known(option_columns(remote(kind, key, name)), is_listed)
        for (kind, key), (name, is_listed) in known.items()
    }
    listing = options.Listing(
        options=[remote(*entry) for entry in seen],
        unreadable=[UnreadableItem(position="", problem="", external_id=i) for i in unreadable],
        error=error,
    )

    plan = options.plan_options(mirror, listing)

    read = {(kind.value, key) for kind, key, _ in seen}
    planned = [(o.kind.value, o.external_id) for o in plan.create + plan.update + plan.same]
    assert sorted(planned) == sorted(read)
    assert {(o.kind.value, o.external_id) for o in plan.create} == read - mirror.keys()
    assert not set(plan.retire) & read
    assert {kind for kind, _ in plan.retire} <= {kind for kind, _ in read}
    assert not plan.retire or not (error or "" in unreadable)
    assert not {key for _, key in plan.retire} & set(unreadable)
