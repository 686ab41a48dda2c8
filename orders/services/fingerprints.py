"""What was sent, as one SHA-256: a resend of a reference must be the same request."""

import hashlib
import json
from dataclasses import asdict

from providers.gateways.base import OrderRequest


def fingerprint_of_request(request: OrderRequest) -> str:
    """SHA-256 (hex) over everything that a request says; equal means the same bytes go out."""
    facts = json.dumps(asdict(request), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(facts.encode()).hexdigest()
