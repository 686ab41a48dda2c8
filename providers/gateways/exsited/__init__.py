"""Exsited: a billing system that keeps a book of gift certificates, which we only read."""

from providers.gateways.exsited.gateway import ExsitedGateway

__all__ = ["ExsitedGateway"]
