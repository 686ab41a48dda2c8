"""A simulated Exsited: the gift certificates of docs/contracts/exsited.md."""

from providers.sandbox.exsited.app import SimulatedExsited

__all__ = ["SimulatedExsited"]
