"""The fixtures of the proofs."""

from tests.kills.houses import house, tell

__all__ = ["house", "tell"]
