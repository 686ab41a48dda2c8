"""The simulated CP Extender (contract: docs/contracts/cp_extender.md)."""

from providers.sandbox.cp_extender.app import SimulatedCPExtender

__all__ = ["SimulatedCPExtender"]
