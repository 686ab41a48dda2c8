import pytest
from django.test import Client, RequestFactory

from giftops.addresses import client_address, is_listed
from giftops.middleware import TrustedProxies

PROXY, SECOND_PROXY, PERSON, LIAR = "10.0.0.1", "10.0.0.2", "203.0.113.9", "198.51.100.1"


def address(remote, forwarded=None):
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        (PERSON, None, PERSON),
        (PERSON, LIAR, PERSON),  # nobody vouches for the header
        (PROXY, PERSON, PERSON),
        (PROXY, f"{LIAR}, {PERSON}", PERSON),  # what the client wrote stands further left
        (PROXY, f"{PERSON}, {SECOND_PROXY}", PERSON),
        (PROXY, "", PROXY),
        (PROXY, "nonsense", PROXY),
        (PROXY, f"{PERSON}, nonsense", PROXY),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        ("", PERSON, ""),
    ],
)
def test_only_a_trusted_proxy_can_name_another_address(settings, remote, forwarded, expected):
    settings.GIFTOPS_TRUSTED_PROXIES = ["10.0.0.0/8"]

    assert address(remote, forwarded) == expected


def test_without_trusted_proxies_no_header_counts(settings):
    settings.GIFTOPS_TRUSTED_PROXIES = []

    assert address(PROXY, LIAR) == PROXY


@pytest.mark.parametrize(("remote", "is_secure"), [(PERSON, False), (PROXY, True)])
def test_only_a_trusted_proxy_can_say_that_the_request_came_by_tls(settings, remote, is_secure):
    settings.GIFTOPS_TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_PROTO="https")

    TrustedProxies(lambda request: None)(request)

    assert request.is_secure() is is_secure


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("", False)],
)
def test_a_list_may_name_networks_and_single_addresses(text, expected):
    assert is_listed(text, ["127.0.0.0/8", "::1"]) is expected


def test_figures_are_for_listed_addresses_only(db):
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR=PERSON).get("/metrics").status_code == 403
