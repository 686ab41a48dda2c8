"""The simulated Ncentiva (contract: docs/contracts/ncentiva.md)."""

from providers.sandbox.ncentiva.app import SimulatedNcentiva

__all__ = ["SimulatedNcentiva"]
