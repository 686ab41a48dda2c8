"""Accounts, the journal of calls, the mirrored catalogue, and how fast we may ask."""

from providers.models.account import Environment, ProviderAccount
from providers.models.balance import BalanceReading
from providers.models.call import Outcome, ProviderCall
from providers.models.option import ProviderOption
from providers.models.permit import CallPermit
from providers.models.product import Kind, Product
from providers.models.sync_run import SyncRun
from providers.models.token import SharedToken
from providers.models.traffic import CircuitState, RateWindow
from providers.models.webhook import WebhookReceipt

__all__ = [
    "BalanceReading",
    "CallPermit",
    "CircuitState",
    "Environment",
    "Kind",
    "Outcome",
    "Product",
    "ProviderAccount",
    "ProviderCall",
    "ProviderOption",
    "RateWindow",
    "SharedToken",
    "SyncRun",
    "WebhookReceipt",
]
