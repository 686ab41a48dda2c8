"""`python -m tests.kills`: the figures of the last proofs, added up."""

import json

from tests.kills.figures import total

print(json.dumps(total(), indent=2))
