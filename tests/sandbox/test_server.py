"""The simulated providers on a real socket, with everything that can go wrong on one."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.sandbox.conftest import HEADERS, PREFIX
from tests.sandbox_client import CREDENTIALS, SandboxControl, SandboxProcess

THREADS = Path("/proc/self/task")
ORDERS = f"/ncentiva{PREFIX}/orders"


@pytest.fixture
def control(sandbox: SandboxProcess) -> SandboxControl:
    """The shared process as good as new, without rate limits."""
    sandbox.ncentiva.reset()
    sandbox.ncentiva.settings(environment="unlimited")
    return sandbox.ncentiva


@pytest.fixture
def web() -> Iterator[requests.Session]:
    """A purchaser that speaks HTTP."""
    with requests.Session() as session:
        session.trust_env = False
        session.auth = CREDENTIALS
        yield session


def order(web: requests.Session, control: SandboxControl, **options: Any) -> requests.Response:
    """Buy one card over HTTP."""
    body = {"giftCardTypeId": 1234, "amount": 25, "orderReference": "ref-1"}
    options.setdefault("timeout", 5)
    return web.post(control.base_url + ORDERS, json=body, **options)


@contextmanager
def plug(control: SandboxControl) -> Iterator[socket.socket]:
    """A bare connection."""
    parts = urlsplit(control.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        yield connection


def raw_order(reference: str = "ref-1") -> bytes:
    """The bytes of an order."""
    body = json.dumps({"giftCardTypeId": 1234, "amount": 25, "orderReference": reference})
    fields = {**HEADERS, "Host": "sandbox", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {ORDERS} HTTP/1.1\r\n{head}\r\n{body}".encode()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def test_an_order_can_be_bought_over_http(control: SandboxControl, web: requests.Session) -> None:
    placed = order(web, control)
    control.advance(6)
    cards = web.get(f"{control.base_url}{ORDERS}/{placed.json()['name']}/cards", timeout=5)

    [truth] = control.ledger()["orders"]
    assert (placed.status_code, cards.status_code) == (200, 200)
    assert cards.json()["cards"][0]["cardNumber"] == truth["cards"][0]["card_number"]


def test_one_connection_serves_many_requests(control: SandboxControl) -> None:
    with plug(control) as connection:
        for number in range(3):
            connection.sendall(raw_order(f"ref-{number}"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")

    assert len(control.ledger()["orders"]) == 3


def test_buyers_at_the_same_moment_get_orders_of_their_own(
    control: SandboxControl, web: requests.Session
) -> None:
    def buy(number: int) -> str:
        body = {"giftCardTypeId": 1234, "amount": 25, "orderReference": f"ref-{number % 20}"}
        url = control.base_url + ORDERS
        return requests.post(url, json=body, auth=CREDENTIALS, timeout=10).text

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(buy, range(40)))

    orders = control.ledger()["orders"]
    assert len({one["name"] for one in orders}) == len({one["reference"] for one in orders}) == 20
    assert sum("Duplicate" in answer for answer in answers) == 20


@pytest.mark.parametrize(
    ("fault", "bought"), [("timeout_before_commit", 0), ("timeout_after_commit", 1)]
)
def test_silence_lasts_until_the_client_gives_up(
    control: SandboxControl, web: requests.Session, fault: str, bought: int
) -> None:
    control.arm(fault)

    with pytest.raises(requests.ReadTimeout):
        order(web, control, timeout=0.3)

    assert len(control.ledger()["orders"]) == bought


@pytest.mark.skipif(not THREADS.exists(), reason="counts threads where Linux shows them")
def test_a_connection_that_was_given_up_holds_no_thread(
    sandbox: SandboxProcess, control: SandboxControl
) -> None:
    threads = Path(f"/proc/{sandbox.process.pid}/task")
    control.arm("timeout_after_commit")
    with plug(control) as connection:
        connection.sendall(raw_order())
        time.sleep(0.2)
        during = len(list(threads.iterdir()))
    time.sleep(0.5)

    assert len(list(threads.iterdir())) < during


def test_silence_ends_by_itself(control: SandboxControl) -> None:
    control.arm("timeout_after_commit", {"seconds": 0.2})
    with plug(control) as connection:
        connection.sendall(raw_order())

        assert read_all(connection) == b""


@pytest.mark.parametrize(
    ("fault", "bought"), [("reset_before_commit", 0), ("reset_after_commit", 1)]
)
def test_a_reset_is_a_reset(control: SandboxControl, fault: str, bought: int) -> None:
    control.arm(fault)
    with plug(control) as connection:
        connection.sendall(raw_order())

        with pytest.raises(ConnectionResetError):
            connection.recv(1)

    assert len(control.ledger()["orders"]) == bought


def test_the_head_can_stop_in_the_middle(control: SandboxControl) -> None:
    control.arm("half_headers")
    with plug(control) as connection:
        connection.sendall(raw_order())
        data = read_all(connection)

    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in data


def test_a_body_can_be_cut_short_of_its_length(
    control: SandboxControl, web: requests.Session
) -> None:
    control.arm("truncated_json")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        order(web, control)

    assert len(control.ledger()["orders"]) == 1


@pytest.mark.parametrize("size", [-7, 7])
def test_a_length_can_be_wrong_both_ways(control: SandboxControl, size: int) -> None:
    control.arm("wrong_content_length", {"size": size})
    with plug(control) as connection:
        connection.sendall(raw_order())
        head, _, body = read_all(connection).partition(b"\r\n\r\n")

    assert json.loads(body)["name"] == "NCT-PO-P-099624"
    assert f"Content-Length: {len(body) + size}\r\n".encode() in head


def test_a_body_can_drip(control: SandboxControl, web: requests.Session) -> None:
    control.arm("slow_drip", {"seconds": 0.005})
    started = time.monotonic()

    answer = order(web, control)

    assert time.monotonic() - started > 0.005 * len(answer.content)
    assert answer.json()["name"] == "NCT-PO-P-099624"


def test_a_body_can_go_on_and_on(control: SandboxControl, web: requests.Session) -> None:
    control.arm("overlong_body", {"size": 3_000_000})

    answer = order(web, control)

    assert "Content-Length" not in answer.headers
    assert len(answer.content) == 3_000_000
    assert answer.json()["name"] == "NCT-PO-P-099624"


def test_a_bomb_grows_when_it_is_opened(control: SandboxControl, web: requests.Session) -> None:
    control.arm("gzip_bomb", {"mebibytes": 4})

    answer = order(web, control)

    assert int(answer.headers["Content-Length"]) < 32 * 1024
    assert len(answer.content) > 4 * 1024 * 1024


def test_an_answer_can_be_late(control: SandboxControl, web: requests.Session) -> None:
    control.arm("latency", {"seconds": 0.3})
    started = time.monotonic()

    answer = order(web, control)

    assert time.monotonic() - started >= 0.3
    assert answer.status_code == 200


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_points_where_it_was_told(
    control: SandboxControl, web: requests.Session, status: int
) -> None:
    control.arm(f"redirect_{status}", {"location": "http://127.0.0.1:1/x"})

    answer = order(web, control, allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (status, "http://127.0.0.1:1/x")
    assert control.ledger()["orders"] == []


def test_no_content_is_no_content(control: SandboxControl) -> None:
    control.arm("no_content_204")
    with plug(control) as connection:
        connection.sendall(raw_order())
        connection.sendall(raw_order("next"))
        connection.shutdown(socket.SHUT_WR)
        data = read_all(connection)

    first, _, rest = data.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 204 No Content")
    assert b"Content-Length" not in first
    assert rest.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: x\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ],
)
def test_a_body_of_doubtful_length_is_not_read(control: SandboxControl, head: bytes) -> None:
    with plug(control) as connection:
        connection.sendall(f"POST {ORDERS} HTTP/1.1\r\nHost: x\r\n".encode() + head + b"\r\n")
        data = read_all(connection)

    assert data.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in data


@pytest.mark.parametrize(
    ("target", "status"),
    [("*", 404), ("http://[", 400), ("//", 200), ("/%00%ff", 404), ("http://x/healthz", 200)],
)
def test_an_odd_target_is_answered(control: SandboxControl, target: str, status: int) -> None:
    with plug(control) as connection:
        request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        data = read_all(connection)

    assert data.startswith(f"HTTP/1.1 {status} ".encode())


def test_an_answer_to_head_has_no_body(control: SandboxControl) -> None:
    with plug(control) as connection:
        connection.sendall(
            f"HEAD {ORDERS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        data = read_all(connection)

    assert data.startswith(b"HTTP/1.1 405 ")
    assert data.endswith(b"\r\n\r\n")


def test_the_front_door_says_what_this_is(control: SandboxControl) -> None:
    page = requests.get(control.base_url + "/", timeout=5)
    health = requests.get(control.base_url + "/healthz", timeout=5)
    nowhere = requests.get(control.base_url + "/acme/x", timeout=5)

    assert "Simulated gift card providers" in page.text
    for address in (f"/ncentiva{PREFIX}", "/giftcardpartners/v1", "/cp_extender", "/exsited"):
        assert f"<code>{address}</code>" in page.text
    assert health.json() == {"status": "ok"}
    assert nowhere.status_code == 404
