"""The simulated Exsited against the OpenAPI document of its contract, by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path

import requests

from tests.sandbox.exsited.conftest import AMOUNT, BOOK, LOGIN, TOKEN
from tests.sandbox_client import ROOT, running_sandbox

SCHEMATHESIS = Path(sys.executable).with_name("st")
# Credentials that nobody has, a sort field that is none, an amount that is no number or below what
# was used, a code too short for its prefix and an account that has the certificate already are
# refused by the contract, which no schema can tell.
CONFIG = """
max-redirects = 0

[[operations]]
include-operation-id = "createToken"

[operations.checks]
positive_data_acceptance.expected-statuses = [200, 302, 400]

[[operations]]
include-operation-id = "createGiftCertificate"

[operations.checks]
positive_data_acceptance.expected-statuses = [201, 400]

[[operations]]
include-operation-id-regex = "^(listGiftCertificates|listAllocations|listTransactions)$"
parameters = {{ "path.uuid" = "{uuid}" }}

[operations.checks]
positive_data_acceptance.expected-statuses = [200, 400]

[[operations]]
include-operation-id-regex = "^(update|allocate|deallocate|amend)GiftCertificate$"
parameters = {{ "path.uuid" = "{uuid}" }}

[operations.checks]
positive_data_acceptance.expected-statuses = [200, 400]

[[operations]]
include-operation-id = "deleteGiftCertificate"

[operations.checks]
positive_data_acceptance.expected-statuses = [204, 400, 404]

[[operations]]
include-operation-id-regex = "^(get|disable|enable)GiftCertificate$"
parameters = {{ "path.uuid" = "{uuid}" }}
"""


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as sandbox:
        base = f"{sandbox.url}/exsited"
        token = requests.post(base + TOKEN, json=LOGIN, timeout=5).json()["access_token"]
        header = f"Bearer {token}"
        created = requests.post(
            base + BOOK,
            json={"gift_certificate": AMOUNT},
            headers={"Authorization": header},
            timeout=5,
        ).json()
        uuid = created["gift_certificate"]["uuid"]
        sandbox.exsited.act(uuid, "spend", amount=1)  # what was used cannot be deleted
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(uuid=uuid))
        contract = ROOT / "docs" / "contracts" / "exsited.yaml"
        run = subprocess.run(
            [str(SCHEMATHESIS), "--config-file", str(config), "run", str(contract), "--url", base]
            + ["--header", f"Authorization: {header}"]
            + ["--checks", "all", "--max-examples", "40", "--seed", "20260101", "--no-color"]
            + ["--generation-database", "none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        arrivals = sandbox.exsited.journal()

    cases = re.search(r"(\d+) generated", run.stdout)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert cases is not None
    assert int(cases[1]) > 800
    assert len({one["operation"] for one in arrivals} - {None}) == 13
    assert {one["status"] for one in arrivals} >= {200, 201, 204, 302, 400, 401, 404, 405}
