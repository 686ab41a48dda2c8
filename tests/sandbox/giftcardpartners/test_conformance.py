"""The simulated GiftCard Partners against the OpenAPI document of its contract, by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path

import requests

from tests.sandbox.giftcardpartners.conftest import PAIR, line
from tests.sandbox_client import ROOT, running_sandbox

SCHEMATHESIS = Path(sys.executable).with_name("st")
# An unknown product, a used PO number and an empty deposit are refused by the contract, which no
# schema can tell.
CONFIG = """
[[operations]]
include-operation-id = "createOrder"

[operations.checks]
positive_data_acceptance.expected-statuses = [201, 400, 409, 422]

[[operations]]
include-operation-id = "createToken"
parameters = {{ "header.Email" = "{email}", "header.AccessToken" = "{access}" }}

[[operations]]
include-operation-id = "getOrder"
parameters = {{ "path.id" = "{order}" }}

[[operations]]
include-operation-id = "getProduct"
parameters = {{ "path.id" = "PRODUCTA" }}
"""


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as sandbox:
        base = f"{sandbox.url}/giftcardpartners"
        token = requests.post(f"{base}/v1/Tokens", headers=PAIR, timeout=5).json()["Value"]
        bearer = {"Authorization": f"Bearer {token}"}
        body = {"Type": "Links", "PONumber": "po-1", "LineItems": [line()]}
        placed = requests.post(f"{base}/v1/Orders", json=body, headers=bearer, timeout=5)
        config = tmp_path / "schemathesis.toml"
        config.write_text(
            CONFIG.format(
                email=PAIR["Email"], access=PAIR["AccessToken"], order=placed.json()["Id"]
            )
        )
        contract = ROOT / "docs" / "contracts" / "giftcardpartners.yaml"
        run = subprocess.run(
            [str(SCHEMATHESIS), "--config-file", str(config), "run", str(contract), "--url", base]
            + ["--header", f"Authorization: Bearer {token}", "--checks", "all"]
            + ["--max-examples", "60", "--seed", "20260101", "--no-color"]
            + ["--generation-database", "none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        arrivals = sandbox.giftcardpartners.journal()

    cases = re.search(r"(\d+) generated", run.stdout)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert cases is not None
    assert int(cases[1]) > 800
    assert len({one["operation"] for one in arrivals} - {None}) == 12
    assert len([one for one in arrivals if one["status"] == 201]) > 1
    assert {one["status"] for one in arrivals} >= {200, 201, 400, 401, 404, 405, 409}
