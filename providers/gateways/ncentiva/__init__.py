"""Ncentiva: a seller of gift cards that keeps a deposit."""

from providers.gateways.ncentiva.gateway import NcentivaGateway

__all__ = ["NcentivaGateway"]
