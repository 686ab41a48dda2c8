"""CP Extender: an issuer of gift cards at the merchant's own till."""

from providers.gateways.cp_extender.gateway import CPExtenderGateway

__all__ = ["CPExtenderGateway"]
