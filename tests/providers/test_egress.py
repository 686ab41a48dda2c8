"""Where an account may point to, and which addresses we connect to."""

import ipaddress
import time

import pytest

from providers import egress
from providers.egress import AllowedHost, Egress, EgressRefused, is_public
from providers.gateways.errors import NotSent

RULES = Egress.of(
    ["api.example.com", "cp.example.com:8443@10.1.2.0/24", "192.168.7.7"], allow_loopback=False
)
DEBUG_RULES = Egress.of(["api.example.com"], allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com/api/purchasers/v1",
        "https://API.example.com:443/",
        "https://cp.example.com:8443",
        "https://192.168.7.7",
    ],
)
def test_a_listed_place_is_allowed(url: str) -> None:
    RULES.check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "https://api.example.com:8443",
        "https://api.example.com.evil.example",
        "https://evil.example/api.example.com",
        "https://api.example.com@evil.example",
        "https://user:pass@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com#x",
        " https://api.example.com",
        "https://cp.example.com",
        "https://127.0.0.1",
        "http://127.0.0.1:8001",
        "http://localhost",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://api.example.com:99999",
        "api.example.com",
        "",
    ],
)
def test_any_other_place_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(EgressRefused, match=r"^[A-Za-z].*\.$"):
        RULES.check_base_url(url)


def test_with_debug_plain_loopback_is_allowed_and_nothing_more() -> None:
    DEBUG_RULES.check_base_url("http://127.0.0.1:8001/ncentiva")
    DEBUG_RULES.check_base_url("http://localhost:8001")

    with pytest.raises(EgressRefused):
        DEBUG_RULES.check_base_url("http://10.0.0.1:8001")


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "2002:a00:1::",
    "64:ff9b::7f00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_listed_name_that_leads_into_a_private_network_is_not_followed(address: str) -> None:
    with pytest.raises(NotSent, match="private network"):
        RULES.resolve("api.example.com", 443, lookup=lambda *_: ["93.184.216.34", address])


def test_public_addresses_are_given_in_order() -> None:
    public = ["93.184.216.34", "2606:2800:220:1::1"]

    assert RULES.resolve("api.example.com", 443, lookup=lambda *_: public) == public


def test_a_private_network_must_be_listed_beside_its_host() -> None:
    def resolve(host: str, port: int, address: str) -> list[str]:
        return RULES.resolve(host, port, lookup=lambda *_: [address])

    assert resolve("cp.example.com", 8443, "10.1.2.3") == ["10.1.2.3"]
    assert resolve("192.168.7.7", 443, "192.168.7.7") == ["192.168.7.7"]
    with pytest.raises(NotSent):
        resolve("cp.example.com", 8443, "10.1.3.3")
    with pytest.raises(NotSent):
        resolve("api.example.com", 443, "10.1.2.3")


def test_loopback_names_lead_to_loopback_only() -> None:
    with pytest.raises(NotSent):
        DEBUG_RULES.resolve("localhost", 8001, lookup=lambda *_: ["10.0.0.1"])
    with pytest.raises(NotSent):
        DEBUG_RULES.resolve("api.example.com", 443, lookup=lambda *_: ["127.0.0.1"])


@pytest.mark.parametrize("failure", [OSError(), UnicodeError()])
def test_a_name_that_is_not_found_was_never_sent(failure: Exception) -> None:
    def lookup(host: str, port: int) -> list[str]:
        raise failure

    with pytest.raises(NotSent, match="not found"):
        RULES.resolve("api.example.com", 443, lookup=lookup)


def test_a_name_server_that_hangs_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "RESOLVE_TIMEOUT", 0.05)

    def lookup(host: str, port: int) -> list[str]:
        time.sleep(0.3)
        return ["93.184.216.34"]

    with pytest.raises(NotSent, match="too long"):
        RULES.resolve("api.example.com", 443, lookup=lookup)


@pytest.mark.parametrize(
    "entry", ["", "http://a.example", "a.example/x", "a.example@10.0.0.1/8", "a.example:x", "@"]
)
def test_a_malformed_entry_of_the_settings_says_so(entry: str) -> None:
    with pytest.raises(EgressRefused, match="GIFTOPS_PROVIDER_HOSTS"):
        AllowedHost.parse(entry)


def test_a_public_address_is_public() -> None:
    assert is_public(ipaddress.ip_address("93.184.216.34"))
    assert is_public(ipaddress.ip_address("2606:2800:220:1::1"))
