"""The simulated GiftCard Partners (contract: docs/contracts/giftcardpartners.md)."""

from providers.sandbox.giftcardpartners.app import SimulatedGiftCardPartners

__all__ = ["SimulatedGiftCardPartners"]
