"""Every provider is whole: its files, its declarations, its place in the kit."""

import ast
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from providers.gateways.base import OrderType, Recovery
from providers.registry import PROVIDERS
from providers.sandbox.mounts import PROVIDERS as SIMULATED
from tests.conformance.certificate_subject import CERTIFICATE_READS
from tests.conformance.issuer_stage import ISSUER_READ
from tests.conformance.issuer_subject import ISSUER_READS, ISSUER_WRITES
from tests.conformance.stage import READS
from tests.conformance.subject import SellerSubject, Special, Subject, subjects

ROOT = Path(__file__).resolve().parents[2]
GATEWAY_FILES = ("__init__.py", "gateway.py", "build.py", "parse.py", "wire.py")
METHODS_OF = {
    "seller": {
        "place_order",
        "find_order",
        "get_order",
        "get_cards",
        "list_orders",
        "list_products",
    },
    "deposit_holder": {"get_balance"},
    "option_lister": {"list_options"},
    "issuer": {*ISSUER_WRITES, *ISSUER_READS},
    "certificate_source": {*CERTIFICATE_READS},
}
SELLERS, ISSUERS, BOOKS = (
    [slug for slug, spec in PROVIDERS.items() if capability in spec.capabilities]
    for capability in ("seller", "issuer", "certificate_source")
)
by_slug = pytest.mark.parametrize("slug", PROVIDERS)
by_seller = pytest.mark.parametrize("slug", SELLERS)
by_subject = pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.slug)


def folder(slug: str) -> Path:
    return ROOT / "providers" / "gateways" / slug


@by_slug
def test_a_provider_has_its_file_in_the_kit_and_its_simulator(slug: str) -> None:
    assert find_spec(f"tests.conformance.{slug}"), f"write tests/conformance/{slug}.py"
    assert slug in {one.slug for one in SIMULATED}
    assert (ROOT / "docs" / "contracts" / f"{slug}.md").exists()
    assert (ROOT / "docs" / "contracts" / f"{slug}.yaml").exists()


@by_slug
def test_gateways_rhyme(slug: str) -> None:
    gateway = PROVIDERS[slug].gateway_class

    assert [name for name in GATEWAY_FILES if not (folder(slug) / name).exists()] == []
    assert gateway.slug == slug
    assert gateway.__module__.startswith(f"providers.gateways.{slug}")
    assert PROVIDERS[slug].capabilities


@by_seller
def test_what_a_seller_declares_of_itself_can_be_true(slug: str) -> None:
    gateway = PROVIDERS[slug].gateway_class
    recovery: Recovery = gateway.recovery
    look_ups = recovery.look_ups

    assert gateway.order_types
    assert len(set(gateway.order_types)) == len(gateway.order_types)
    assert all(isinstance(one, OrderType) for one in gateway.order_types)
    assert type(gateway.lines_per_order) is int
    assert gateway.lines_per_order >= 1
    assert type(gateway.rings_doorbell) is bool
    assert list(look_ups) == sorted(set(look_ups))
    assert look_ups[0] > timedelta()
    if recovery.replays_for is not None:
        assert look_ups[-1] < recovery.replays_for <= timedelta(days=2)


@pytest.mark.parametrize("subject", subjects("seller"), ids=lambda subject: subject.slug)
def test_what_a_seller_cannot_say_is_declared_with_a_reason(subject: SellerSubject) -> None:
    assert set(subject.faults) | set(subject.cannot) == set(Special)
    assert not set(subject.faults) & set(subject.cannot)
    assert all(len(reason) > 10 for reason in subject.cannot.values())


@by_subject
def test_what_nobody_could_notice_is_declared_with_a_reason(subject: Subject) -> None:
    known = {kind for method in subject.operations for kind in subject.own_kinds(method)}

    assert set(subject.lies) <= known
    assert all(len(reason) > 10 for reason in subject.lies.values())


@by_subject
def test_the_kit_knows_how_to_disturb_every_method(subject: Subject) -> None:
    wanted = {name for one in subject.spec.capabilities for name in METHODS_OF[one]}

    assert set(subject.operations) == wanted
    assert wanted <= {
        *("place_order", *READS),
        *(*ISSUER_WRITES, *ISSUER_READ),
        *CERTIFICATE_READS,
    }


@pytest.mark.parametrize("slug", ISSUERS)
def test_what_an_issuer_declares_of_itself_can_be_true(slug: str) -> None:
    gateway = PROVIDERS[slug].gateway_class

    assert gateway.single_lives > timedelta(minutes=20)
    assert type(gateway.numbers_per_pool) is int
    assert gateway.numbers_per_pool >= 1


@pytest.mark.parametrize("slug", BOOKS)
def test_what_a_book_declares_of_itself_can_be_true(slug: str) -> None:
    gateway = PROVIDERS[slug].gateway_class

    assert type(gateway.certificates_per_slice) is int
    assert gateway.certificates_per_slice >= 1


@by_slug
def test_only_wire_spells_paths_and_holds_assumptions(slug: str) -> None:
    others = [file for file in folder(slug).glob("*.py") if file.name != "wire.py"]

    assert [file.name for file in others if "[assumed]" in file.read_text()] == []
    assert [(file.name, path) for file in others for path in _paths(file)] == []


def _paths(file: Path) -> list[str]:
    nodes = ast.walk(ast.parse(file.read_text()))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and text.startswith("/")]
