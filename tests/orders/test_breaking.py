"""Breaks: explained once, by one person, with one line in the audit trail."""

import pytest

from giftops.models import AuditEntry
from orders.models import BreakKind
from orders.services import breaking
from orders.services.problems import Refused


@pytest.fixture
def found(shop):
    return breaking.open_break(BreakKind.CONTRADICTION, shop.account, text="It went back.")


def test_an_explained_break_is_closed_with_its_note(found, mira):
    breaking.explain(found, actor=mira, note="They corrected it.")
    found.refresh_from_db()

    assert (found.closing_note, found.closed_at is None) == ("They corrected it.", False)


def test_the_second_explanation_is_refused_and_leaves_no_trace(found, mira, tom):
    breaking.explain(found, actor=mira, note="They corrected it.")
    with pytest.raises(Refused, match="closed already"):
        breaking.explain(found, actor=tom, note="It was me.")

    assert AuditEntry.objects.filter(action="break.closed").count() == 1


def test_an_explanation_needs_a_sentence(found, mira):
    with pytest.raises(Refused, match="sentence"):
        breaking.explain(found, actor=mira, note=" ")

    assert not AuditEntry.objects.filter(action="break.closed").exists()
