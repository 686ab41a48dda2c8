"""The simulated CP Extender against the OpenAPI document of its contract, by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path

import requests

from tests.sandbox.cp_extender.conftest import DANA, PERMANENT
from tests.sandbox_client import ROOT, running_sandbox

SCHEMATHESIS = Path(sys.executable).with_name("st")
# A wrong password, a number that nobody reserved, an unknown code or customer and an empty card are
# refused by the contract, which no schema can tell.
CONFIG = """
[[operations]]
include-operation-id-regex = "^(login|reserveIds|createGiftcard|authorizeGiftcard)$"

[operations.checks]
positive_data_acceptance.expected-statuses = [200, 400, 401, 404]

[[operations]]
include-operation-id-regex = "^(confirm|cancel)Authorization$"

[operations.checks]
positive_data_acceptance.expected-statuses = [204, 400, 404]

[[operations]]
include-operation-id-regex = "^(balanceCheck|certificate)$"
parameters = {{ "path.id" = "{card}" }}

[[operations]]
include-operation-id = "customerFromEmail"
parameters = {{ "path.EmailAddress" = "dana.whitfield@example.com" }}

[[operations]]
include-operation-id = "customerFromId"
parameters = {{ "path.CustomerId" = "{customer}" }}
"""
HEADERS = {"Authorization": f"Bearer {PERMANENT}", "Content-Type": "application/json"}


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as sandbox:
        base = f"{sandbox.url}/cp_extender"
        body = {"CustomerNumber": DANA, "GiftCardCode": "GC", "GiftCardValue": 50, "SaleId": "s-1"}
        created = requests.post(
            f"{base}/Giftcard/Create", json=body, headers=HEADERS, timeout=5
        ).json()
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(card=created["GiftCard"]["Id"], customer=DANA))
        contract = ROOT / "docs" / "contracts" / "cp_extender.yaml"
        run = subprocess.run(
            [str(SCHEMATHESIS), "--config-file", str(config), "run", str(contract), "--url", base]
            + [part for pair in HEADERS.items() for part in ("--header", ": ".join(pair))]
            + ["--checks", "all", "--max-examples", "70", "--seed", "20260101", "--no-color"]
            + ["--generation-database", "none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        arrivals = sandbox.cp_extender.journal()

    cases = re.search(r"(\d+) generated", run.stdout)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert cases is not None
    assert int(cases[1]) > 800
    assert len({one["operation"] for one in arrivals} - {None}) == 12
    assert {one["status"] for one in arrivals} >= {200, 400, 401, 404, 405}
