"""Every address of the admin x every role x GET and POST, against one table.

The addresses are read from the resolver: a new page without a rule fails here. Whoever may not is
answered 403 (who may not even enter: the sign-in page), and nothing changes.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver

from giftops.models import AuditEntry, Job, User
from giftops.once import new_token
from orders.models import (
    ApprovalLimit,
    Authorization,
    Batch,
    Break,
    BreakKind,
    Card,
    Deposit,
    Issuance,
    Order,
    Pool,
    Reservation,
)
from orders.services import breaking
from providers.models import Product, ProviderCall
from tests.orders.issuing.conftest import Desk as IssuingDesk
from tests.orders.issuing.scripted import Script

ROLES = {
    "M": "finance_maker", "T": "finance_approver", "A": "support_agent", "L": "auditor",
    "S": "administrator", "P": "partner",
}  # fmt: skip
ALL = "MTALS"
NOBODY = ""


class Rule(NamedTuple):
    """Whose GET and whose POST is answered, by the letters of ROLES. A dash: 405 for them."""

    get: str
    post: str


def page(who: str) -> Rule:
    """A page to look at; a POST to a list only runs its search or an action's first page."""
    return Rule(who, who)


def button(who: str) -> Rule:
    """A POST by these; a GET is never answered (405 for those who may press it)."""
    return Rule("-" + who, who)


RULES = {
    "index": page(ALL), "search": page(ALL), 
    "password_change": page(ALL),
    "orders_order_changelist": page(ALL), "orders_order_change": page(ALL),
    "orders_order_find": button(ALL), "orders_order_buy": page("M"),
    "orders_order_products": page("M"), "orders_order_quote": button("M"),
    "orders_order_details": button("M"), "orders_order_resume": button("M"),
    "orders_order_bulk": button("MTA"), "orders_order_reveal": page("A"),
    "orders_order_ask": button("MTA"), "orders_order_submit": button("M"),
    "orders_order_withdraw": button("M"), "orders_order_send_again": button("M"),
    "orders_order_retry": button("M"), "orders_order_propose": button("MT"),
    "orders_order_confirm": button("MT"), "orders_order_drop": button("MT"),
    "orders_batch_changelist": page(ALL), "orders_batch_change": page(ALL),
    "orders_batch_approvals": page("MTL"), "orders_batch_submit": button("M"),
    "orders_batch_approve": button("T"), "orders_batch_decline": button("T"),
    "orders_break_changelist": page("MTL"), "orders_break_change": page("MTL"),
    "orders_break_close": button("MT"),
    "orders_card_changelist": page("MTAL"), "orders_card_change": page("MTAL"),
    "orders_card_find": button("MTAL"), "orders_card_ask": button("MTA"),
    "orders_card_reveal": page("A"), "orders_card_certificate": page("A"),
    "orders_pool_changelist": page("MTLS"), "orders_pool_change": page("MTLS"),
    "orders_pool_request": page("M"), "orders_pool_line": button("M"),
    "orders_reservation_changelist": page("MTLS"), "orders_reservation_change": page("MTLS"),
    "orders_reservation_withdraw": button("M"), "orders_reservation_top_up": button("M"),
    "orders_reservation_ask_again": button("M"), "orders_reservation_leave": button("M"),
    "orders_issuance_changelist": page("MTLS"), "orders_issuance_change": page("MTLS"),
    "orders_issuance_issue": page("M"), "orders_issuance_quote": button("M"),
    "orders_issuance_customer": button("M"), "orders_issuance_template": page("M"),
    "orders_issuance_submit": button("M"), "orders_issuance_withdraw": button("M"),
    "orders_issuance_pause": button("M"), "orders_issuance_resume": button("M"),
    "orders_issuance_approve": button("T"), "orders_issuance_decline": button("T"),
    "orders_issuance_card": page("MTL"), "orders_issuance_card_ask": Rule("-MTA", "MT"),
    "orders_issuance_card_retry": button("M"), "orders_issuance_card_propose": button("MT"),
    "orders_issuance_card_confirm": button("MT"), "orders_issuance_card_drop": button("MT"),
    "orders_authorization_changelist": page(ALL), "orders_authorization_change": page(ALL),
    "orders_authorization_find": button(ALL), "orders_authorization_ask": page("M"),
    "orders_authorization_ask_now": button("MTA"),
    "orders_authorization_quote": button("M"), "orders_authorization_take": button("M"),
    "orders_authorization_give_back": button("M"), "orders_authorization_withdraw": button("M"),
    "orders_authorization_propose": button("MT"), "orders_authorization_confirm": button("MT"),
    "orders_authorization_drop": button("MT"),
    "orders_deposit_changelist": page("MTLS"), "orders_deposit_change": page("MTLS"),
    "orders_deposit_ask": Rule("-MTA", "MT"), "orders_deposit_alert": button("TS"),
    "orders_approvallimit_changelist": page("LS"), "orders_approvallimit_set": button("S"),
    "orders_approvallimit_remove": button("S"),
    "orders_remoteorder_changelist": page(ALL), "orders_reveal_changelist": page("L"),
    "providers_product_changelist": page(ALL), "providers_product_refresh": button("MS"),
    "providers_product_change": page(ALL), "providers_product_options": page(ALL),
    "providers_provideraccount_changelist": page("MTLS"),
    "providers_provideraccount_change": page("MTLS"),
    "providers_provideraccount_limits": button("S"),
    "providers_provideraccount_test": button("S"),
    "providers_providercall_changelist": page("MTLS"),
    "providers_providercall_change": page("MTLS"), "providers_syncrun_changelist": page("MTLS"),
    "providers_webhookreceipt_changelist": page("MTLS"),
    "giftops_job_changelist": page("LS"), "giftops_job_change": page("LS"),
    "giftops_job_retry": button("S"), "giftops_job_cancel": button("S"),
    "giftops_auditentry_changelist": page("LS"), "giftops_auditentry_change": page("LS"),
    "giftops_auditentry_verify": button("LS"),
    "giftops_user_changelist": page("LS"), "giftops_user_add": page("S"),
    "giftops_user_change": Rule("LS", "S"), "auth_user_password_change": page("S"),
}  # fmt: skip

# Django's own: signing in and out, words for its scripts, addresses that lead nowhere themselves.
NOT_PAGES = {
    "jsi18n",
    "password_change_done",
    "login",
    "logout",
    "view_on_site",
    "autocomplete",
    "app_list",
    None,
}


def admin_addresses(resolver: URLResolver | None = None, inside: bool = False) -> Iterator[str]:
    """The names of all addresses below admin/."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from admin_addresses(pattern, inside or pattern.namespace == "admin")
        elif inside:
            yield pattern.name


class Things(NamedTuple):
    """One row of everything, to open and to press at."""

    order: Order
    batch: Batch
    card: Any
    found: Break
    deposit: Deposit
    job: Job
    call: ProviderCall
    account: Any
    person: User
    limit: ApprovalLimit
    pool: Pool
    issuance: Issuance
    hold: Authorization

    def address(self, name: str) -> str:
        kinds = {
            "orders_order": self.order, "orders_batch": self.batch, "orders_break": self.found,
            "orders_card": self.card, "orders_deposit": self.deposit,
            "orders_approvallimit": self.limit, "giftops_job": self.job,
            "providers_providercall": self.call, "providers_provideraccount": self.account,
            "giftops_user": self.person, "giftops_auditentry": AuditEntry.objects.first(),
            "auth_user": self.person, "providers_product": Product.objects.first(),
            "orders_pool": self.pool, "orders_reservation": self.pool.reservations.get(),
            "orders_issuance": self.issuance, "orders_authorization": self.hold,
        }  # fmt: skip
        whole = {
            "orders_order_reveal": self.card.pk,
            "auth_user_password_change": self.person.pk,
        }
        lists = ("changelist", "add", "buy", "products", "quote", "find", "bulk", "approvals",
                 "refresh", "verify", "set", "options", "details", "request", "issue", "customer",
                 "template")  # fmt: skip
        if name == "orders_authorization_ask":
            return reverse(f"admin:{name}")
        if name.startswith("orders_issuance_card"):
            return reverse(f"admin:{name}", args=[self.issuance.cards.get().pk])
        if name in whole:
            return reverse(f"admin:{name}", args=[whole[name]])
        kind = "_".join(name.split("_")[:2])
        if kind in kinds and name.split("_")[-1] not in lists:
            return reverse(f"admin:{name}", args=[kinds[kind].pk])
        return reverse(f"admin:{name}")


@pytest.fixture
def things(shop: Any, fulfilled: Order, mira: User, user: Any) -> Things:
    order = shop.draft(mira).orders.get()
    found = breaking.open_break(BreakKind.DEPOSIT, shop.account, text="A gap")
    issued = IssuingDesk(shop.account, Script(), shop.time)
    return Things(
        order, order.batch, fulfilled.cards.get(), found, Deposit.objects.get(),
        Job.objects.first(), ProviderCall.objects.first(), shop.account, user("auditor"),
        ApprovalLimit.objects.create(
            account=shop.account, role="finance_maker", limit_minor=1, changed_by=mira,
            changed_at=shop.time.moment,
        ),
        issued.pool(mira, 2), issued.issuance(mira), _hold(issued, mira),
    )  # fmt: skip


def _hold(issued: IssuingDesk, mira: User) -> Authorization:
    return Authorization.objects.create(
        account=issued.account, card=issued.card(mira), reference="GO-HOLD", currency="USD",
        requested_minor=500, granted_minor=500, state="authorized", maker=mira,
    )  # fmt: skip


def expected(rule: Rule, letter: str, method: str) -> str:
    """What this role should be answered: "in", "403", "405" or "sign in"."""
    if letter in "P?":
        return "sign in"
    if method == "GET":
        if rule.get.startswith("-"):
            return "405" if letter in rule.get else "403"
        return "in" if letter in rule.get else "403"
    return "in" if letter in rule.post else "403"


def answered(status: int, location: str) -> str:
    if status == 302 and "/login/" in location:
        return "sign in"
    return str(status) if status in (403, 405) or status >= 500 else "in"


def state() -> tuple[Any, ...]:
    """Everything that a page could change."""
    return (
        list(Order.objects.order_by("id").values_list("status", "version")),
        Batch.objects.count(), Job.objects.count(), AuditEntry.objects.count(),
        list(User.objects.order_by("id").values_list("role", "is_active", "password")),
        Break.objects.filter(closed_at=None).count(),
        list(Reservation.objects.order_by("id").values_list("state", "version")),
        list(Issuance.objects.order_by("id").values_list("state", "version")),
        list(Card.objects.order_by("id").values_list("state", "version")), Pool.objects.count(),
        list(Authorization.objects.order_by("id").values_list("state", "next_look_at")),
    )  # fmt: skip


def test_every_address_of_the_admin_has_a_rule() -> None:
    assert {name for name in admin_addresses() if name not in NOT_PAGES} == set(RULES)


@pytest.mark.parametrize("letter", [*ROLES, "?"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_role_reaches_what_is_theirs_and_nothing_else(
    things: Things, client_of: Any, user: Any, letter: str, method: str
) -> None:
    client = client_of(user(ROLES[letter])) if letter in ROLES else Client()
    wrong = []

    for name, rule in RULES.items():
        before = state()
        answer = client.generic(
            method, things.address(name), f"once={new_token()}",
            "application/x-www-form-urlencoded",
        )  # fmt: skip
        got = answered(answer.status_code, answer.headers.get("Location", ""))
        wanted = expected(rule, letter, method)
        changed = state() != before and (method == "GET" or wanted != "in")
        if got != wanted or changed:
            wrong.append((name, f"wanted {wanted}", f"got {got}", "changed" if changed else ""))

    assert wrong == []


def test_a_person_who_is_switched_off_is_out_at_once(
    things: Things, user: Any, client_of: Any
) -> None:
    person = user("finance_maker")
    client = client_of(person)
    User.objects.filter(pk=person.pk).update(is_active=False)

    answer = client.get(reverse("admin:orders_order_changelist"))

    assert answered(answer.status_code, answer.headers.get("Location", "")) == "sign in"


@pytest.mark.parametrize("role", [*ROLES.values()][:5])
def test_the_menu_leads_only_to_pages_that_open(things: Things, client_of: Any, role: str) -> None:
    client = client_of(role)
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]

    closed = [
        item["title"]
        for group in groups
        for item in group["items"]
        if client.get(item["link"]).status_code != 200
    ]

    assert groups
    assert closed == []


def test_a_forged_press_without_the_csrf_token_is_refused(
    things: Things, mira: User, client_of: Any
) -> None:
    client = client_of(mira, enforce_csrf_checks=True)

    answer = client.post(things.address("orders_order_withdraw"), {"once": new_token()})

    things.order.refresh_from_db()
    assert answer.status_code == 403
    assert things.order.status == "draft"
