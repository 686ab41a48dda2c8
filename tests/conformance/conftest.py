"""One simulator process for the whole kit; a stage per test and provider.

A test that asks for `seller`, `holder`, `lister`, `issuer` or `book` runs once for every provider
with that capability; it never hears of the others.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

from providers import services
from tests.conformance.certificate_stage import CertificateStage
from tests.conformance.certificate_subject import CERTIFICATE_READS
from tests.conformance.issuer_stage import IssuerStage
from tests.conformance.issuer_subject import ISSUER_READS, ISSUER_WRITES, IssuerSubject
from tests.conformance.stage import SellerStage, Stage
from tests.conformance.subject import Subject, subjects
from tests.sandbox_client import SandboxControl, SandboxProcess, running_sandbox

AnyStage = TypeVar("AnyStage", bound=Stage)
EACH: dict[str, tuple[str, Callable[[Any], Sequence[Any]]]] = {
    "order_type": ("seller", lambda subject: subject.order_types),
    "read": ("seller", lambda subject: subject.reads),
    "purchase_fault": ("seller", lambda subject: subject.own_kinds("place_order")),
    "look_up_fault": ("seller", lambda subject: subject.own_kinds("find_order")),
    "write": ("issuer", lambda subject: ISSUER_WRITES),
    "written": ("issuer", lambda subject: tellers(subject)),
    "question": ("issuer", lambda subject: ISSUER_READS),
    "words": ("issuer", lambda subject: sorted(subject.says)),
    "own_write_fault": ("issuer", lambda subject: own_faults(subject, ISSUER_WRITES)),
    "own_read_fault": ("issuer", lambda subject: own_faults(subject, ISSUER_READS)),
    "asked": ("book", lambda subject: CERTIFICATE_READS),
    "spoilt": ("book", lambda subject: subject.ways_to_spoil),
    "own_book_fault": ("book", lambda subject: own_faults(subject, CERTIFICATE_READS)),
}
CAPABILITY_OF = {
    "seller": "seller",
    "holder": "deposit_holder",
    "lister": "option_lister",
    "issuer": "issuer",
    "book": "certificate_source",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test its providers; also each `order_type` or `read` that they have."""
    for name, (fixture, of) in EACH.items():
        if name in metafunc.fixturenames:
            able = subjects(CAPABILITY_OF[fixture])
            pairs = [(one, each) for one in able for each in of(one)]
            ids = [f"{one.slug}-{each}" for one, each in pairs]
            metafunc.parametrize((fixture, name), pairs, indirect=[fixture], ids=ids)
            return
    for fixture, capability in CAPABILITY_OF.items():
        if fixture in metafunc.fixturenames:
            able = subjects(capability)
            metafunc.parametrize(fixture, able, indirect=True, ids=[one.slug for one in able])


def tellers(subject: IssuerSubject) -> list[str]:
    """The writes whose answer says something."""
    return [name for name in ISSUER_WRITES if name not in subject.silent_writes]


def own_faults(subject: Subject, methods: Sequence[str]) -> list[str]:
    """Each fault that only this simulator has, with the method that it strikes."""
    return [f"{method} {kind}" for method in methods for kind in subject.own_kinds(method)]


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("conformance")) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True, scope="module")
def _fresh_ledgers(process: SandboxProcess) -> None:
    """Every file of scenes starts with simulators that remember nothing."""
    for subject in subjects():
        control = SandboxControl(process.url, subject.slug)
        control.reset()
        subject.begin(control)


@pytest.fixture
def seller(request: Any, process: SandboxProcess, db: None, settings: Any) -> Iterator[SellerStage]:
    yield from _stage(SellerStage, request.param, process, settings)


@pytest.fixture
def holder(request: Any, process: SandboxProcess, db: None, settings: Any) -> Iterator[SellerStage]:
    yield from _stage(SellerStage, request.param, process, settings)


@pytest.fixture
def lister(request: Any, process: SandboxProcess, db: None, settings: Any) -> Iterator[SellerStage]:
    yield from _stage(SellerStage, request.param, process, settings)


@pytest.fixture
def issuer(request: Any, process: SandboxProcess, db: None, settings: Any) -> Iterator[IssuerStage]:
    yield from _stage(IssuerStage, request.param, process, settings)


@pytest.fixture
def book(
    request: Any, process: SandboxProcess, db: None, settings: Any
) -> Iterator[CertificateStage]:
    yield from _stage(CertificateStage, request.param, process, settings)


def _stage(
    kind: type[AnyStage], subject: Subject, process: SandboxProcess, settings: Any
) -> Iterator[AnyStage]:
    settings.DEBUG = True  # loopback is allowed
    control = SandboxControl(process.url, subject.slug)
    account = services.create_account(
        name="conformance",
        provider=subject.slug,
        environment="sandbox",
        base_url=f"{process.url}/{subject.slug}",
        credentials=subject.credentials,
        per_second=1000,
        per_minute=100_000,
    )
    yield kind(subject, control, account)
    control.clear()


@pytest.fixture
def short_deadlines(settings: Any) -> None:
    """Calls end before a silent simulator would."""
    settings.GIFTOPS_WRITE_DEADLINE = settings.GIFTOPS_READ_DEADLINE = 0.5
