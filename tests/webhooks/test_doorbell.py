"""What a delivery does, and what it cannot do."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from django.urls import resolve

from giftops import guard
from giftops.models import InstanceGuard, Job
from giftops.sealing import blind_index
from orders.models import Order
from orders.services import doorbells
from orders.statuses import Status
from providers.models import WebhookReceipt
from tests.webhooks.conftest import BODY, looks_for, receipts_of, secret_of

QUIET = [s for s in Status if s not in doorbells.LISTENING]
WRONG_SECRETS = {
    "nothing": lambda right: "",
    "short": lambda right: right[:-1],
    "long": lambda right: right + "0",
    "twice as long": lambda right: right * 2,
    "in capitals": lambda right: right.upper(),
    "with a dash": lambda right: f"{right[:8]}-{right[8:]}",
    "another": lambda right: "0" * 64,
    "one digit off": lambda right: right[:-1] + ("0" if right[-1] != "0" else "1"),
    "a path": lambda right: f"{right}/{right}",
    "behind a slash": lambda right: f"/{right}",
    "not in ASCII": lambda right: "ä€" + right,
    "with a NUL": lambda right: right + "%00",
    "broken UTF-8": lambda right: right + "%ff",
    "with a blank": lambda right: right + "%20",
}


def test_each_address_is_a_secret_of_its_own(settings):
    settings.GIFTOPS_PUBLIC_URL = "https://cards.example.com/"

    made = [doorbells.make_doorbell() for _ in range(50)]
    tokens = {url.removeprefix("https://cards.example.com/webhooks/") for url, _ in made}

    assert len(tokens) == len({index for _, index in made}) == 50
    assert {len(bytes.fromhex(token.removesuffix("/"))) * 8 for token in tokens} == {256}


def test_a_delivery_has_the_order_looked_at_now(ringer):
    order = ringer.placed()

    answer = ringer.deliver(order)

    assert (answer.status_code, answer.content) == (202, b"{}")
    assert looks_for(order) == [ringer.shop.time.moment]
    assert receipts_of(order) == [("rung", 1)]


def test_nothing_is_taken_from_what_it_says(ringer):
    order = ringer.placed()
    lie = json.dumps({"Id": "9", "PONumber": order.reference, "Status": "Cancelled", "Cost": 0})
    before = Order.objects.filter(pk=order.pk).values().get()

    ringer.deliver(order, lie)

    after = Order.objects.filter(pk=order.pk).values().get()
    assert after == before
    assert WebhookReceipt.objects.get().body_hash == hashlib.sha256(lie.encode()).hexdigest()


@pytest.mark.parametrize("wrong", WRONG_SECRETS.values(), ids=WRONG_SECRETS)
def test_every_wrong_secret_is_answered_alike_and_does_nothing(ringer, wrong):
    order = ringer.placed()
    jobs = Job.objects.count()

    answer = ringer.post(wrong(secret_of(order)))

    assert (answer.status_code, answer.content) == (404, b'{"detail":"Not found."}')
    assert not WebhookReceipt.objects.exists()
    assert Job.objects.count() == jobs


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("is_right", [True, False])
def test_every_other_method_is_answered_like_a_wrong_secret(ringer, method, is_right):
    order = ringer.placed()
    token = secret_of(order) if is_right else "0" * 64

    answer = ringer.http.generic(method.upper(), f"/webhooks/{token}/")

    body = b"" if method == "head" else b'{"detail":"Not found."}'
    assert (answer.status_code, answer.content) == (404, body)
    assert looks_for(order) == []


def test_a_missing_last_slash_loses_nothing(ringer):
    order = ringer.placed()

    answer = ringer.http.post(f"/webhooks/{secret_of(order)}", BODY, content_type="text/json")

    assert answer.status_code == 202
    assert len(looks_for(order)) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"\xff\xfe\x00 not a text", "application/json"),
        (b"{" * 60_000, "application/json"),
        (b"9" * 60_000, "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"a=1&b=2", "application/x-www-form-urlencoded"),
        (b"<Order/>", "text/xml; charset=klingon"),
    ],
    ids=["empty", "not UTF-8", "deep", "long number", "multipart", "form", "XML"],
)
def test_what_cannot_be_read_still_rings_because_the_secret_was_right(ringer, body, content_type):
    order = ringer.placed()

    answer = ringer.deliver(order, body, content_type=content_type)

    assert answer.status_code == 202
    assert len(looks_for(order)) == 1
    assert receipts_of(order) == [("unreadable", 1)] or body == b"9" * 60_000


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", ";;", "*/*"])
def test_it_does_not_matter_which_answer_they_accept(ringer, accept):
    order = ringer.placed()

    answer = ringer.http.post(
        f"/webhooks/{secret_of(order)}/?format=xml", BODY, content_type="application/json",
        headers={"accept": accept},
    )  # fmt: skip

    assert (answer.status_code, answer.content) == (202, b"{}")


def test_a_body_may_have_64_kibibytes_and_no_more(ringer):
    order = ringer.placed()

    largest = ringer.deliver(order, b" " * 64 * 1024)
    larger = ringer.deliver(order, b" " * (64 * 1024 + 1))

    assert (largest.status_code, larger.status_code) == (202, 413)
    assert receipts_of(order) == [("unreadable", 1), ("unreadable", 1)]


def test_a_body_that_is_too_large_rings_all_the_same(ringer):
    order = ringer.placed()

    ringer.deliver(order, b" " * (64 * 1024 + 1))

    assert len(looks_for(order)) == 1


def test_a_body_that_is_too_large_is_not_read(ringer):
    order = ringer.placed()
    request = RequestFactory().post(
        f"/webhooks/{secret_of(order)}/", b"x", content_type="text/plain",
        CONTENT_LENGTH=str(10**12),
    )  # fmt: skip
    request.META["wsgi.input"].read = request._stream.read = _may_not_be_read
    view = resolve(request.path_info)

    answer = view.func(request, **view.kwargs)

    assert answer.status_code == 413


def _may_not_be_read(*_):
    raise AssertionError("The body was read.")


@pytest.mark.parametrize("status", QUIET)
def test_an_order_that_waits_for_nothing_is_answered_alike_and_not_rung(ringer, status):
    order = ringer.order(status)

    answer = ringer.deliver(order)

    assert (answer.status_code, answer.content) == (202, b"{}")
    assert looks_for(order) == []
    assert receipts_of(order) == [("nothing_to_do", 1)]


def test_repeats_are_counted_and_ring_at_most_every_five_seconds(ringer):
    order = ringer.placed()
    start = ringer.shop.time.moment

    for _ in range(50):
        ringer.deliver(order)
        ringer.shop.time.sleep(0.25)
    gaps = [at - start for at in looks_for(order)]

    assert receipts_of(order) == [("rung", 50)]
    assert gaps == [timedelta()]  # the first look still waits, and serves for all of them


def test_looks_keep_their_distance_also_when_each_is_done_at_once(ringer):
    ringer.take_an_hour()
    order = ringer.placed()
    start = ringer.shop.time.moment

    for number in range(55):
        ringer.deliver(order, json.dumps({"number": number}))
        ringer.shop.work()
        ringer.shop.time.sleep(0.5)
    looks = [(at - start).total_seconds() for at in looks_for(order)]

    assert looks == [0, 5, 10, 15, 20, 25, 30]


def test_a_delivery_just_after_a_look_is_answered_by_the_next_one(ringer):
    order = ringer.placed()
    ringer.deliver(order)
    ringer.shop.work()
    ringer.shop.time.sleep(1)

    ringer.deliver(order)

    first, second = looks_for(order)
    assert second - first == timedelta(seconds=5)


def test_in_quarantine_nothing_is_rung(ringer):
    order = ringer.placed()
    InstanceGuard.objects.update(epoch=99)
    assert guard.is_quarantined()

    answer = ringer.deliver(order)

    assert answer.status_code == 202
    assert looks_for(order) == []
    assert receipts_of(order) == [("nothing_to_do", 1)]


def test_a_flood_of_guesses_is_told_to_wait(ringer):
    order = ringer.placed()

    answers = [ringer.post("0" * 64) for _ in range(31)]
    right = ringer.deliver(order)
    elsewhere = ringer.post("0" * 64, REMOTE_ADDR="192.0.2.9")

    assert [a.status_code for a in answers] == [404] * 30 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert right.status_code == 202  # a stranger's guesses do not lock out the provider
    assert elsewhere.status_code == 404


def test_a_flood_behind_a_right_secret_is_told_to_wait(ringer):
    order, other = ringer.placed(), ringer.placed()

    answers = [ringer.deliver(order) for _ in range(61)]

    assert [a.status_code for a in answers] == [202] * 60 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert ringer.deliver(other).status_code == 202
    assert receipts_of(order) == [("rung", 60)]


def test_no_cookie_is_read_or_set(ringer):
    order = ringer.placed()
    ringer.http.cookies.load("giftops=broken; csrf=broken; __Host-giftops=x; __Host-csrf=y")

    answers = [ringer.deliver(order), ringer.post("0" * 64)]

    assert [answer.cookies.output() for answer in answers] == ["", ""]


def test_receipts_are_kept_for_thirty_days(ringer):
    order = ringer.placed()
    ringer.deliver(order)
    cache.clear()

    ringer.shop.time.sleep(29 * 86400)
    kept = doorbells.purge()
    ringer.shop.time.sleep(2 * 86400)

    assert (kept, doorbells.purge()) == (0, 1)


def test_an_index_alone_opens_nothing(ringer):
    order = ringer.placed()
    other = ringer.placed()
    index = blind_index(secret_of(other), field=doorbells.FIELD)
    Order.objects.filter(pk=order.pk).update(doorbell_index=index)
    Order.objects.filter(pk=other.pk).update(doorbell_index="")

    answer = ringer.deliver(other)

    assert answer.status_code == 404
    assert looks_for(order) == []
