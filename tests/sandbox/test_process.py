"""The simulated providers as a program: it starts, it ends, and it forgets nothing in between."""

import ast
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.sandbox.conftest import PREFIX
from tests.sandbox_client import CREDENTIALS, ROOT, SandboxControl, SandboxProcess, running_sandbox

SANDBOX = ROOT / "providers" / "sandbox"
DRAWS = SANDBOX / "cp_extender" / "certificate.py"
SOURCES = sorted(SANDBOX.rglob("*.py"))


def buy(control: SandboxControl, reference: str) -> requests.Response:
    """Buy one card."""
    body = {"giftCardTypeId": 1301, "amount": 50, "orderReference": reference}
    url = f"{control.base_url}/ncentiva{PREFIX}/orders"
    return requests.post(url, json=body, auth=CREDENTIALS, timeout=5)


def test_a_power_cut_loses_nothing(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        first.ncentiva.freeze()
        first.ncentiva.settings(environment="unlimited", balance=80, completed_after=9)
        first.ncentiva.arm("http_503", operation="getBalance")
        buy(first.ncentiva, "one")
        first.ncentiva.advance(10)
        first.ncentiva.arm("late_commit", {"delay": 100})
        buy(first.ncentiva, "late")
        views = "ledger", "journal", "settings", "faults", "state"
        before = [getattr(first.ncentiva, view)() for view in views]
        first.kill()

    with running_sandbox(tmp_path) as second:
        after = [getattr(second.ncentiva, view)() for view in views]
        second.ncentiva.advance(101)
        late = second.ncentiva.ledger()["orders"][-1]

    assert after == before
    assert [one["reference"] for one in after[0]["orders"]] == ["one"]
    assert (late["reference"], late["name"]) == ("late", "NCT-PO-P-099625")


def test_every_answered_order_survives_any_of_many_power_cuts(tmp_path: Path) -> None:
    answered = []
    for number in range(6):
        with running_sandbox(tmp_path) as sandbox:
            sandbox.ncentiva.settings(environment="unlimited")
            for one in range(5):
                answered.append(buy(sandbox.ncentiva, f"{number}-{one}").json()["name"])
            sandbox.kill()

    with running_sandbox(tmp_path) as sandbox:
        names = [one["name"] for one in sandbox.ncentiva.ledger()["orders"]]

    assert names == answered
    assert len(set(names)) == 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    sandbox = SandboxProcess(tmp_path)
    sandbox.ncentiva.settings(environment="unlimited")
    buy(sandbox.ncentiva, "one")

    sandbox.process.send_signal(number)
    output, errors = sandbox.process.communicate(timeout=10)

    assert (sandbox.process.returncode, output, errors) == (0, "", "")


def test_a_silent_connection_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path)
    sandbox.ncentiva.arm("timeout_after_commit")
    with pytest.raises(requests.ReadTimeout):
        requests.get(sandbox.url + f"/ncentiva{PREFIX}/cart", auth=CREDENTIALS, timeout=0.2)

    assert sandbox.stop() == 0


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(RuntimeError) as caught:
            SandboxProcess(tmp_path, port)

    expected = f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use."
    assert str(caught.value) == f"The sandbox did not start: {expected}"


@pytest.mark.parametrize(
    ("port", "words"),
    [("x", "invalid int value: 'x'"), ("99999", "cannot listen on 127.0.0.1:99999")],
)
def test_a_port_that_cannot_be_is_told_in_one_sentence(
    tmp_path: Path, port: str, words: str
) -> None:
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "providers.sandbox", "--state", str(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SANDBOX_PORT": port},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )

    assert run.returncode != 0
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_state_directory_that_cannot_be_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RuntimeError, match=r"cannot use .*file/state: Not a directory\."):
        SandboxProcess(tmp_path / "file" / "state")


def test_its_output_tells_no_codes_and_no_credentials(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, "--log") as sandbox:
        sandbox.ncentiva.settings(environment="unlimited", processing_after=0, completed_after=0)
        name = buy(sandbox.ncentiva, "a-reference").json()["name"]
        url = f"{sandbox.url}/ncentiva{PREFIX}/orders/{name}/cards?x=a-query"
        requests.get(url.partition("?")[0], auth=CREDENTIALS, timeout=5)
        requests.get(url, auth=CREDENTIALS, timeout=5)
        [card] = sandbox.ncentiva.ledger()["orders"][0]["cards"]
        sandbox.stop()

    told = sandbox.output + sandbox.errors
    assert f"GET /ncentiva{PREFIX}/orders/{name}/cards 200" in told
    for secret in (card["card_number"], "c2FuZGJveDpzYW5kYm94", "a-query", "Basic"):
        assert secret not in told


def test_the_log_has_no_card_number_of_a_provider_that_puts_them_into_paths(
    tmp_path: Path,
) -> None:
    card = "99-12345678901234567"
    with running_sandbox(tmp_path, "--log") as sandbox:
        base = f"{sandbox.url}/cp_extender"
        for path in (f"Giftcard/{card}/BalanceCheck", f"giftcard/{card}", f"_control/holds/{card}"):
            requests.get(f"{base}/{path}", timeout=5)
        sandbox.stop()

    assert sandbox.errors.splitlines() == [
        "GET /cp_extender/Giftcard/{id}/BalanceCheck 400",
        "GET /cp_extender/… 404",
        "GET /cp_extender/_control/holds 200",
    ]


def test_the_management_command_is_the_same_program(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "sandbox", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        try:
            health = requests.get(line.rpartition(" ")[2] + "/healthz", timeout=5)
        finally:
            process.terminate()

    assert line.startswith("sandbox listening on http://127.0.0.1:")
    assert health.json() == {"status": "ok"}
    assert process.returncode == 0


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(SANDBOX)))
def test_it_needs_nothing_but_the_standard_library_and_one_file_to_draw(source: Path) -> None:
    foreign = {
        name
        for name in imported(source)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("providers.sandbox.")
    }

    assert foreign == ({"PIL"} if source == DRAWS else set())


def imported(source: Path) -> set[str]:
    """The modules that a file imports, relative ones as a dot."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_the_search_for_imports_finds_them(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text("import django.db\nfrom requests import get\ndef f():\n    from . import y\n")

    assert imported(source) == {"django.db", "requests", "."}
    assert len(SOURCES) >= 15
