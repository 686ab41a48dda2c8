"""The simulated Ncentiva against the OpenAPI document of its contract, by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path

import requests

from tests.sandbox.conftest import PREFIX
from tests.sandbox_client import CREDENTIALS, ROOT, running_sandbox

SCHEMATHESIS = Path(sys.executable).with_name("st")
# An unknown type, a wrong value, a used reference and an empty cart are 400 by the contract, which
# no schema can tell.
CONFIG = """
[[operations]]
include-operation-id-regex = "^(createOrder|addCartItem|checkoutCart)$"

[operations.checks]
positive_data_acceptance.expected-statuses = [200, 400]

[[operations]]
include-path-regex = "^/orders/.transactionId."
parameters = {{ "path.transactionId" = "{name}" }}
"""


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as sandbox:
        sandbox.ncentiva.settings(environment="unlimited", processing_after=0, completed_after=0)
        base = f"{sandbox.url}/ncentiva{PREFIX}"
        body = {"giftCardTypeId": 1234, "amount": 25}
        name = requests.post(f"{base}/orders", json=body, auth=CREDENTIALS, timeout=5).json()[
            "name"
        ]
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(name=name))
        contract = ROOT / "docs" / "contracts" / "ncentiva.yaml"
        run = subprocess.run(  # noqa: S603 - a tool of ours
            [str(SCHEMATHESIS), "--config-file", str(config), "run", str(contract), "--url", base]
            + ["--auth", ":".join(CREDENTIALS), "--checks", "all", "--max-examples", "60"]
            + ["--seed", "20260101", "--no-color", "--generation-database", "none"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        arrivals = sandbox.ncentiva.journal()

    cases = re.search(r"(\d+) generated", run.stdout)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert cases is not None
    assert int(cases[1]) > 1000
    assert len({one["operation"] for one in arrivals} - {None}) == 11
    assert {one["status"] for one in arrivals} == {200, 400, 401, 404, 405}
