"""The fixtures of the proofs."""

from tests.kills.houses import house, tell, till

__all__ = ["house", "tell", "till"]
