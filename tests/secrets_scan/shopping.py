"""What the house does before it is searched: everything that handles codes, PINs and credentials.

Each function is the life of one process, as in `tests.kills.life`.
"""

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db import OperationalError, connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from giftops.models import Job, User
from giftops.once import new_token
from giftops.queue import run_due, sweep_jobs
from orders.models import Card, Order
from orders.services import collecting
from providers import services as providers
from providers.gateways import http
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount
from tests.kills import life, mishaps, points
from tests.sandbox_client import SandboxControl

PASSWORD = "a password for one look only"
STYLES = (("1410", "5.00"), ("1235", "20.00"), ("1633", "15.00"))
SPOILT_CARDS = (
    "truncated_json", "wrong_content_length", "half_headers", "html_200", "http_500",
    "mutate_null", "mutate_bool", "mutate_missing", "mutate_extra", "mutate_duplicate_key",
    "mutate_nested", "mutate_unicode", "mutate_float", "mutate_huge_int",
)  # fmt: skip
SPOILT_ORDERS = ("duplicate_code", "extra_cards", "missing_cards", "foreign_code")
ROLES = ("finance_maker", "finance_approver", "support_agent", "auditor", "administrator")


def shop(*, offset: float, batches: int, control: str) -> list[str]:
    """Buy batches of five cards of all styles; the answers with the codes come spoilt, too."""
    life.live_at(offset)
    sandbox = SandboxControl(control)
    references: list[str] = []
    for number in range(batches):
        product, value = STYLES[number % len(STYLES)]
        made = life.order(offset=offset, quantity=5, product=product, value=value)
        references += made["references"]
        spoilt = SPOILT_CARDS[number % len(SPOILT_CARDS)]
        sandbox.arm(spoilt, reference=made["references"][0], operation="getOrderCards")
        oddity = SPOILT_ORDERS[number % len(SPOILT_ORDERS)]
        sandbox.arm(oddity, reference=made["references"][1], operation="createOrder")
    while run_due():
        continue
    return references


def stumble(*, offset: float) -> int:
    """Store cards by a function that fails with the codes in its hands; count the failed jobs."""
    life.live_at(offset)

    def store(order: Any, cards: Any, **_: Any) -> None:
        codes = [card.code for card in cards]
        raise LookupError(f"cannot store {codes[0]} of {order}")

    collecting._store = store
    sweep_jobs()
    while run_due():
        continue
    return Job.objects.filter(error__contains="LookupError").count()


def spool(*, offset: float) -> list[str]:
    """Fetch codes while the database takes nothing: the answers wait in the spool."""
    life.live_at(offset)
    points.note_operations()
    original = http.ProviderSession._travel

    def travel(self: Any, *args: Any) -> Any:
        answer = original(self, *args)
        if points.CARDS in points._inside:
            mishaps.shut(4096)
        return answer

    http.ProviderSession._travel = travel  # type: ignore[method-assign]
    with suppress(OperationalError):
        sweep_jobs()
        while run_due():
            continue
    return [path.name for path in mishaps.spooled()]


def connect_with_canary(*, offset: float, base_url: str, username: str, password: str) -> str:
    """An account whose credentials are refused: they must not be told by anything."""
    life.live_at(offset)
    account = providers.create_account(
        name="canary", provider="ncentiva", environment="sandbox", base_url=base_url,
        credentials={"username": username, "password": password},
    )  # fmt: skip
    said = ""
    for work in (providers.test_connection, lambda one: providers.refresh_products(one.pk)):
        try:
            said += str(work(account))
        except ProviderError as problem:
            said += f"{problem!r} {problem}"
    ProviderAccount.objects.filter(pk=account.pk).update(is_active=False)
    return said


def browse(*, offset: float, search: list[str]) -> dict[str, Any]:
    """Everybody looks at every page there is, and support searches by full numbers."""
    life.live_at(offset)
    pages: dict[str, str] = {}
    for role in ROLES:
        browser = Client(SERVER_NAME="localhost")
        browser.force_login(person_as(role), "django.contrib.auth.backends.ModelBackend")
        for address in addresses():
            answer = browser.get(address)
            if answer.status_code == 200:
                pages[f"{role} {address}"] = answer.content.decode(errors="replace")
        for text in search:
            answer = browser.post(reverse("admin:orders_order_find"), {"q": text}, follow=True)
            pages[f"{role} search {len(pages)}"] = answer.content.decode(errors="replace")
            pages[f"{role} way {len(pages)}"] = repr(answer.redirect_chain)
    return pages


def person_as(role: str) -> User:
    found = User.objects.filter(role=role).first()
    return found or User.objects.create_user(role, role=role, is_staff=True, password=PASSWORD)


def addresses() -> list[str]:
    """The lists of the admin, and the pages of their newest rows."""
    found = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        with suppress(NoReverseMatch):
            found.append(reverse(f"{name}_changelist"))
            newest = model._default_manager.order_by("-pk").values_list("pk", flat=True)[:3]
            found += [reverse(f"{name}_change", args=[pk]) for pk in newest]
    with_cards = Order.objects.filter(cards__isnull=False).distinct()[:10]
    return found + [reverse("admin:orders_order_change", args=[one.pk]) for one in with_cards]


def reveal(*, offset: float, cards: int) -> list[bool]:
    """Support looks at codes, with a reason; says whether each look showed one."""
    life.live_at(offset)
    agent = person_as("support_agent")
    agent.set_password(PASSWORD)
    agent.save()
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(agent, "django.contrib.auth.backends.ModelBackend")
    shown = []
    for card in Card.objects.filter(is_releasable=True, order__status="fulfilled")[:cards]:
        form = {
            "secret": "code", "ticket": "T-1", "reason": "The customer cannot read it.",
            "password": PASSWORD, "once": new_token(),
        }  # fmt: skip
        answer = browser.post(reverse("admin:orders_order_reveal", args=[card.pk]), form)
        shown.append(card.code.reveal() in answer.content.decode())
    return shown


def cells(*, offset: float) -> dict[str, list[str]]:
    """Every text in every table that is no sealed token, by table and column, for short secrets."""
    life.live_at(offset)
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            for column in connection.introspection.get_table_description(cursor, table):
                quoted = f"{connection.ops.quote_name(column.name)}"
                cursor.execute(f"SELECT DISTINCT {quoted} FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names from the schema
                texts = [row[0] for row in cursor.fetchall() if isinstance(row[0], str)]
                if texts:
                    found[f"{table}.{column.name}"] = texts
    return found


def plant(*, offset: float, secret: str) -> None:
    """Put a secret where it must not be: the scan has to find it."""
    life.live_at(offset)
    newest = Order.objects.order_by("-pk").first()
    Order.objects.filter(pk=newest.pk).update(reason=f"Told on the telephone: {secret}")
