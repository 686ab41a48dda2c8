"""GiftCard Partners: a seller of gift cards and claim links that keeps a deposit."""

from providers.gateways.giftcardpartners.gateway import GiftCardPartnersGateway

__all__ = ["GiftCardPartnersGateway"]
