"""Answers as the providers' documents show them, one JSON file each."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def recorded(name: str) -> bytes:
    """The bytes of "ncentiva/order_open"."""
    return (HERE / f"{name}.json").read_bytes()


def recorded_json(name: str) -> Any:
    """The same, decoded."""
    return json.loads(recorded(name))
