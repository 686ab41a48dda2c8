"""The address is a secret: it is in no log line, no error, no audit entry, no page."""

import io
import json
import logging

import pytest
from django.conf import settings as configured
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from giftops import logs
from giftops.models import AuditEntry, Job
from orders.models import Order, OrderEvent
from orders.services import doorbells
from providers.models import ProviderCall, WebhookReceipt
from tests.webhooks.conftest import BODY, secret_of


@pytest.fixture
def written():
    """Everything that is logged, down to DEBUG, as the console would show it."""
    handler = logging.StreamHandler(io.StringIO())
    configuration = logs.configuration(level="DEBUG", style="json")["formatters"]["redacted"]
    options = {key: value for key, value in configuration.items() if key != "()"}
    handler.setFormatter(configuration["()"](**options))
    names = ("", "django.request", "django.server", "django.security", "django.db.backends")
    before = {name: logging.getLogger(name).level for name in names}
    logging.getLogger().addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler.stream
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_no_log_line_has_the_path_of_any_delivery(ringer, written):
    order = ringer.placed()
    token = secret_of(order)

    ringer.deliver(order)
    ringer.post(token[:-1])
    ringer.http.get(f"/webhooks/{token}")
    ringer.http.post(f"/webhooks/{token}/", headers={"host": "evil.example.com"})
    ringer.http.post(f"/webhook/{token}/")
    ringer.http.post(f"//webhooks/{token}/")
    ringer.http.post(f"/webhooks/%20{token}/")
    logging.getLogger("django.server").info('"POST /webhooks/%s/ HTTP/1.1" 202 2', token)
    text = written.getvalue()

    assert text.count("/webhooks/[hidden]") >= 7
    assert token[:-1] not in text
    assert "evil.example.com" in text


@pytest.mark.parametrize("debug", [True, False])
def test_not_even_when_our_database_is_gone(ringer, written, settings, monkeypatch, debug):
    order = ringer.placed()
    token = secret_of(order)
    settings.DEBUG = debug
    http = Client(raise_request_exception=False)

    def gone(*_):
        raise OperationalError("the database is gone")

    monkeypatch.setattr(doorbells, "ring", gone)
    answer = http.post(f"/webhooks/{token}/", BODY, content_type="application/json")
    text = written.getvalue()

    assert answer.status_code == 500
    assert "OperationalError" in text
    assert token not in text


def test_no_row_but_the_sealed_column_has_it(ringer):
    order = ringer.placed()
    token = secret_of(order)
    ringer.deliver(order)
    ringer.shop.work()

    rows = [
        list(model.objects.values())
        for model in (Order, OrderEvent, AuditEntry, Job, ProviderCall, WebhookReceipt)
    ]

    assert token not in repr(rows)
    assert all(rows)


def test_no_page_shows_it(ringer, client_of):
    order = ringer.placed()
    ringer.deliver(order)
    ringer.shop.work()
    auditor = client_of("auditor")

    pages = [
        auditor.get(reverse("admin:orders_order_change", args=[order.pk])),
        auditor.get(reverse("admin:providers_webhookreceipt_changelist")),
    ]
    text = " ".join(page.content.decode() for page in pages)

    assert [page.status_code for page in pages] == [200, 200]
    assert "<dt>webhooks</dt><dd>1 " in text
    assert secret_of(order) not in text
    assert order.doorbell_index not in text


def test_an_error_of_an_unknown_place_below_it_is_no_page_of_ours(ringer, settings):
    settings.DEBUG = True  # where Django would list every address it knows

    answer = ringer.http.get("/webhooks/any/where/else")

    assert json.loads(answer.content) == {"detail": "Not found."}


def test_the_desk_lists_what_came_and_finds_by_reference(ringer, client_of):
    one, other = ringer.placed(), ringer.placed()
    ringer.deliver(one)
    ringer.deliver(one)
    ringer.deliver(other, "<html>")
    address = reverse("admin:providers_webhookreceipt_changelist")
    auditor = client_of("auditor")

    both = auditor.get(address).content.decode()
    found = auditor.get(address, {"q": one.reference}).context["cl"].result_list

    assert "The order is asked about now" in both
    assert "Not a message we can read" in both
    assert [(row.subject, row.deliveries) for row in found] == [(one.reference, 2)]


def test_cookies_are_left_out_before_anything_reads_them():
    middleware = configured.MIDDLEWARE
    ours = middleware.index("giftops.middleware.NoCookiesForMachines")

    assert ours < middleware.index("django.contrib.sessions.middleware.SessionMiddleware")
