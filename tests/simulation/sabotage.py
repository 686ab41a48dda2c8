"""Seeded defects: each takes one guard away by patching, and the simulation must notice.

Product code has no switches for any of this. `rules` are those that may notice; E1 stands for an
error that nobody thought of, raised by a second guard below the first (a constraint, say).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import zip_longest
from typing import Any
from unittest import mock

from django.db import transaction
from django.db.models import F

from giftops import audit, sealing
from giftops.clock import db_now
from giftops.queue import doorbell
from giftops.sealing import StoredToken
from orders import decisions
from orders.decisions import Absence, Claim, Delivery, Match, Verdict
from orders.models import Attempt, Order
from orders.services import (
    answering,
    collecting,
    doorbells,
    drafting,
    finding,
    funding,
    moving,
    placing,
    resolving,
    submitting,
    sweeping,
)
from orders.statuses import Status
from providers import journal, rates, stores
from providers.gateways.base import RawAnswer
from providers.gateways.errors import OutcomeUnknown, ProviderError
from providers.gateways.giftcardpartners import build, parse
from providers.gateways.ncentiva import NcentivaGateway
from providers.tokens import SharedTokens
from tests.simulation.operations import desks

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One defect, who may notice it, and the faults that bring it out (none: all kinds)."""

    name: str
    rules: tuple[str, ...]
    patch: Patch
    faults: tuple[str, ...] = ()
    only: str = "ncentiva"  # the provider whose orders it hurts
    needs_twins: bool = False
    read_rate: float = 0.3  # how often a question is hit, where faults are named


def replaced(holder: Any, name: str, by: Any) -> Patch:
    """A patch that puts something else in the place of a function."""
    return lambda: mock.patch.object(holder, name, by)


# --- Races --------------------------------------------------------------------------------------


def _shift_without_looking(order: Order, to: Status, **changes: Any) -> Any:
    at = db_now()
    changes = {"changed_at": at} | changes | {"status": to, "version": F("version") + 1}
    Order.objects.filter(pk=order.pk).update(**changes)
    order.refresh_from_db()
    return at


@transaction.atomic(durable=True)
def _apply_whoever_comes(attempt_id: Any, answer: Any) -> None:
    attempt = Attempt.objects.get(pk=attempt_id)
    order = Order.objects.select_related("account", "batch__maker").get(pk=attempt.order_id)
    if isinstance(answer, ProviderError):
        answering._apply_failure(attempt, order, answer)
    else:
        answering._apply_success(attempt, order, answer)


def _call_inside(inside: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> None:
        with transaction.atomic():
            inside(*args)

    return call


_windows: dict[str, rates.Window] = {}


def _own_window(budget: stores.RateBudget, change: Any, **_: Any) -> Any:
    """Every second request is counted somewhere else, as if by another process."""
    key = f"{budget._account_id} {len(_windows) % 2} {next(_turn) % 2}"
    return change(_windows.setdefault(key, rates.Window()), stores._db_micros())


def _turns() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


_turn = _turns()


@contextmanager
def _buckets_of_processes() -> Iterator[None]:
    _windows.clear()
    with mock.patch.object(stores.RateBudget, "_change_row", _own_window):
        yield
    _windows.clear()


# --- What an answer means -----------------------------------------------------------------------


def _silence_is_failure(error: ProviderError | None) -> Verdict:
    verdict = _verdict_of(error)
    return Verdict.REJECTED if isinstance(error, OutcomeUnknown) else verdict


_verdict_of = decisions.verdict_of


def _another_reference(order: Order) -> Any:
    request = _request_of(order)
    sends = Attempt.objects.filter(order=order).count()
    return replace(request, reference=f"{request.reference}-{sends}") if sends > 1 else request


_request_of = drafting.request_of


def _errors_are_absence(gateway: Any, reference: str) -> Any:
    try:
        return _find_order(gateway, reference)
    except ProviderError:
        return None


_find_order = NcentivaGateway.find_order


@contextmanager
def _no_settle_window() -> Iterator[None]:
    with (
        mock.patch.object(decisions, "ABSENCE_WINDOW", timedelta()),
        mock.patch.object(decisions, "ABSENT_LOOKS", 1),
    ):
        yield


@contextmanager
def _retry_while_alive() -> Iterator[None]:
    """The desk offers "retry" for what is out of stock, and the service believes the desk."""

    def retry(order: Order, *, actor: Any) -> Any:
        product = order.lines.select_related("product").get()
        wish = drafting.Wish(
            product=product.product, face_value=product.face_value, quantity=product.quantity
        )
        return drafting.create_batch(actor, wish, retry_of=order)

    slow = {"status": Status.PLACED}
    with (
        mock.patch.object(drafting, "retry_as_new", retry),
        mock.patch.object(desks, "RETRIABLE", slow),
    ):
        yield


@contextmanager
def _adopt_without_comparing() -> Iterator[None]:
    with (
        mock.patch.object(decisions, "match_of", return_value=Match.SAME),
        mock.patch.object(finding, "is_taken", return_value=False),
    ):
        yield


# --- Money, codes, records ----------------------------------------------------------------------


def _approve_anybody() -> AbstractContextManager[Any]:
    stack = ExitStack()
    stack.enter_context(mock.patch.object(submitting, "_require"))
    stack.enter_context(mock.patch.object(submitting, "_require_other"))
    return stack


def _approve_unseen(batch: Any, *, actor: Any, fingerprint: str) -> Any:
    del fingerprint
    return _approve_batch(batch, actor=actor, fingerprint=batch.fingerprint)


_approve_batch = submitting.approve_batch


def _unknown_gives_money_back(order: Order, error: ProviderError) -> None:
    funding.release(order)
    Order.objects.filter(pk=order.pk).update(held_minor=0)
    order.refresh_from_db()
    _become_unknown(order, error)


_become_unknown = answering._become_unknown


def _place_of_any_card(table: str, row: Any, column: str, kid: str) -> bytes:
    return _place(table, "any" if table == "orders_card" else row, column, kid)


_place = sealing._place


@contextmanager
def _no_second_ring() -> Iterator[None]:
    """Either of the two alone would be made good by the other."""
    with (
        mock.patch.object(doorbell, "ring_due", return_value=0),
        mock.patch.object(sweeping, "rearm_forgotten"),
    ):
        yield


def _audit_later(action: str, **facts: Any) -> None:
    transaction.on_commit(lambda: _record(action, **facts))


def _audit_people_only(action: str, *, actor: Any, **facts: Any) -> Any:
    return _record(action, actor=actor, **facts) if actor is not None else None


_record = audit.record


# --- Replays, funds, many lines, webhooks, tokens -------------------------------------------------


def _another_body(order: Order) -> Any:
    request = _request_of(order)
    is_repeat = Attempt.objects.filter(order=order).count() > 1
    return replace(request, note="once more") if is_repeat else request


def _no_funds_whatever_came_before(verdict: Verdict, *, earlier_unresolved: bool) -> Status:
    if verdict is Verdict.NO_FUNDS:
        return Status.AWAITING_FUNDS
    return _status_after(verdict, earlier_unresolved=earlier_unresolved)


_status_after = decisions.status_after


def _anybodys_links(**facts: Any) -> Delivery:
    return _delivery_of(**facts | {"has_foreign": False})


_delivery_of = decisions.delivery_of


def _last_lines_first(lines: Any, cards: Any) -> list[tuple[Any, Any]]:
    places = [line for line in reversed(list(lines)) for _ in range(line.quantity)]
    return list(zip_longest(cards, places[: len(cards)]))


def _believe(order: Order, body: bytes) -> Any:
    """The body of a webhook is read like an answer."""
    outcome = _ring(order, body)
    raw = RawAnswer(
        status=200,
        headers={"content-type": "application/json"},
        body=body,
        received_at=db_now(),
    )
    order.refresh_from_db()
    with suppress(ProviderError):
        if order.status == Status.PLACED:
            call = build.get_order(order.external_id)
            collecting.take_in(order, parse.cards(call, raw, currency=order.currency) or [])
    return outcome


_ring = doorbells.ring


def _token_in_plain(_tokens: SharedTokens, _row: Any, grant: Any) -> StoredToken:
    return StoredToken(grant.value)


def _settle_the_estimate(order: Order) -> int:
    funding.settle(order, order.held_minor)
    return 0


PARTNERS = "giftcardpartners"

OF_PARTNERS = (
    Sabotage(
        "a replay has another body",
        ("S10",),
        replaced(placing, "request_of", _another_body),
        ("timeout_before_commit", "http_504"),
        PARTNERS,
    ),
    Sabotage(
        "a duplicate on a first attempt is adopted",
        ("S3",),
        replaced(decisions, "claim_of", lambda *_, **__: Claim.ADOPT),
        ("latency",),
        PARTNERS,
        needs_twins=True,
    ),
    Sabotage(
        "what they say to have is sent again",
        ("S10",),
        replaced(resolving, "_is_out_of_sight", lambda _order: False),
        ("timeout_before_commit", "conflict_spurious"),
        PARTNERS,
    ),
    Sabotage(
        "missing funds are believed after an unknown outcome",
        ("S2", "S11"),
        replaced(decisions, "status_after", _no_funds_whatever_came_before),
        ("late_commit", "insufficient_funds"),
        PARTNERS,
    ),
    Sabotage(
        "what waited for funds is sent without a hold",
        ("S4", "E1"),
        replaced(placing, "_hold_if_released", lambda order: order.held_minor),
        ("insufficient_funds",),
        PARTNERS,
    ),
    Sabotage(
        "a claim link of another order is taken",
        ("S3", "E1"),
        replaced(decisions, "delivery_of", _anybodys_links),
        ("foreign_claim_link",),
        PARTNERS,
    ),
    Sabotage(
        "cards are put into any line",
        ("D1",),
        replaced(collecting, "homes_of", _last_lines_first),
        ("latency",),
        PARTNERS,
    ),
    Sabotage(
        "a line that failed counts as delivered",
        ("D2",),
        replaced(
            collecting, "_fulfil_but", lambda order, cards, _: collecting._fulfil(order, cards)
        ),
        ("line_failed",),
        PARTNERS,
    ),
    Sabotage(
        "the estimate is settled, whatever they charged",
        ("D3",),
        replaced(funding, "settle_in_full", _settle_the_estimate),
        ("latency",),
        PARTNERS,
    ),
    Sabotage(
        "what a webhook says is believed",
        ("S2", "S3", "D1"),
        replaced(doorbells, "ring", _believe),
        ("pending", "pending_forever"),
        PARTNERS,
    ),
    Sabotage(
        "a token stands in a plain column",
        ("S9",),
        replaced(SharedTokens, "_sealed", _token_in_plain),
        ("latency",),
        PARTNERS,
    ),
)


SABOTAGES = (
    Sabotage(
        "status changes without compare-and-set",
        ("S1", "S2", "S4", "S6", "E1"),
        replaced(moving, "shift", _shift_without_looking),
    ),
    Sabotage(
        "an overtaken program applies its answer all the same",
        ("S1", "S2", "S4", "S6", "S10", "E1"),
        replaced(answering, "_apply", _apply_whoever_comes),
    ),
    Sabotage(
        "the provider is called inside a transaction",
        ("R1", "E1"),
        replaced(placing, "_call", _call_inside(placing._call)),
    ),
    Sabotage(
        "silence counts as failure",
        ("S1", "S2"),
        replaced(decisions, "verdict_of", _silence_is_failure),
    ),
    Sabotage(
        "a retry takes a new reference",
        ("S1",),
        replaced(placing, "request_of", _another_reference),
    ),
    Sabotage(
        "what is out of stock is retried while it lives",
        ("S1", "E1"),
        _retry_while_alive,
        ("out_of_stock", "latency"),
    ),
    Sabotage(
        "absence is believed at once",
        ("S1", "S2", "S10"),
        _no_settle_window,
        ("late_commit", "delayed_visibility"),
    ),
    Sabotage(
        "a look-up that fails counts as not found",
        ("S1", "S2", "S10"),
        replaced(NcentivaGateway, "find_order", _errors_are_absence),
        ("timeout_after_commit", "http_500", "html_502"),
        read_rate=0.75,
    ),
    Sabotage(
        "resent although references may repeat",
        ("S1", "S10"),
        replaced(decisions, "after_absence", lambda **_: Absence.RESEND),
        ("timeout_before_commit", "http_504"),
    ),
    Sabotage(
        "answers are not written down",
        ("J1",),
        replaced(journal, "keep", lambda *_: None),
    ),
    Sabotage(
        "sealed codes are not bound to their row",
        ("S9",),
        replaced(sealing, "_place", _place_of_any_card),
    ),
    Sabotage(
        "a code stands in a plain column",
        ("S9",),
        replaced(collecting, "last_four", lambda code: code),
    ),
    Sabotage(
        "audit entries are written after the commit",
        ("S7",),
        replaced(audit, "record", _audit_later),
    ),
    Sabotage(
        "what the system does is not audited",
        ("S7",),
        replaced(audit, "record", _audit_people_only),
    ),
    Sabotage("every process counts its own requests", ("S8",), _buckets_of_processes),
    Sabotage("orders are adopted without comparing", ("S1", "S3", "E1"), _adopt_without_comparing),
    Sabotage(
        "any codes are taken for the delivery",
        ("S2", "S3", "E1"),
        replaced(collecting, "_judge", lambda *_: Delivery.COMPLETE),
        ("duplicate_code", "foreign_code", "extra_cards", "missing_cards"),
    ),
    Sabotage("no money is held", ("S4",), replaced(funding, "hold", lambda *_: None)),
    Sabotage(
        "an unknown outcome gives the money back",
        ("S4",),
        replaced(answering, "_become_unknown", _unknown_gives_money_back),
    ),
    Sabotage("makers approve their own work", ("E1",), _approve_anybody),
    Sabotage(
        "an approval is not bound to what was seen",
        ("A1",),
        replaced(submitting, "approve_batch", _approve_unseen),
    ),
    Sabotage(
        "nobody settles what a dead worker left behind",
        ("L1",),
        replaced(sweeping, "settle_lapsed_attempts", lambda *_: None),
    ),
    Sabotage("nobody looks after lost doorbells", ("L1",), _no_second_ring),
    *OF_PARTNERS,
)
