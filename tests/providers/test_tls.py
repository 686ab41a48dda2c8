"""TLS as it should be: verified, bound to the name, and not a way around the deadline."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from giftops import clock
from providers.gateways.errors import NotSent, OutcomeUnknown
from tests.providers.raw_server import RawServer, answer, drips, says
from tests.providers.test_http import QUICK, READ, WRITE, Recorder, session_for

HOST = "api.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for HOST that vouches for itself; the file holds its key too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = clock.now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_private_authority_can_be_trusted(context: ssl.SSLContext, certificate: Path) -> None:
    with RawServer(says(answer(b"ok")), context=context) as server:
        url = f"https://{HOST}:{server.port}"
        raw = session_for(url, verify=str(certificate)).exchange(WRITE)

    assert raw.body == b"ok"


def test_an_untrusted_certificate_gets_no_byte_of_ours(context: ssl.SSLContext) -> None:
    with RawServer(says(answer()), context=context) as server, pytest.raises(NotSent):
        session_for(f"https://{HOST}:{server.port}").exchange(WRITE)

    assert server.requests == []


def test_a_certificate_of_another_name_gets_no_byte_of_ours(
    context: ssl.SSLContext, certificate: Path
) -> None:
    with RawServer(says(answer()), context=context) as server:
        session = session_for(f"https://other.example.com:{server.port}", verify=str(certificate))
        with pytest.raises(NotSent):
            session.exchange(WRITE)

    assert server.requests == []


def test_old_tls_is_refused(context: ssl.SSLContext, certificate: Path) -> None:
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with RawServer(says(answer()), context=context) as server, pytest.raises(NotSent):
        session_for(f"https://{HOST}:{server.port}", verify=str(certificate)).exchange(READ)


def test_a_drip_inside_tls_ends_at_the_deadline(context: ssl.SSLContext, certificate: Path) -> None:
    record = Recorder()

    with RawServer(drips(answer(b"x" * 2000)), context=context) as server:
        session = session_for(
            f"https://{HOST}:{server.port}", record, verify=str(certificate), limits=QUICK
        )
        with pytest.raises(OutcomeUnknown):
            session.exchange(WRITE)

    assert record[0].outcome == "timed_out"
    assert record[0].duration_ms < 4000
