"""Ncentiva's paths, JSON keys, texts and limits: the only place that spells them.

Most paths and keys are assumed (docs/contracts/ncentiva.md marks each): when the provider tells
better, this file is the one to edit.
"""

import re

from providers.gateways.base import Standing

PREFIX = "/api/purchasers/v1"

# Routes: contract section 5
INVENTORY = f"{PREFIX}/inventory"
BALANCE = f"{PREFIX}/account/balance"
ORDERS = f"{PREFIX}/orders"
ORDER = f"{PREFIX}/orders/{{transactionId}}"
ORDER_BY_REFERENCE = f"{PREFIX}/orders/customer-reference/{{customerReference}}"
CARDS = f"{PREFIX}/orders/{{transactionId}}/cards"
TRANSACTION_ID = "transactionId"
CUSTOMER_REFERENCE = "customerReference"

# Lists: contract section 4
PAGE = "page"
PAGE_SIZE = "pageSize"
TOTAL_RECORDS = "totalRecords"
TOTAL_PAGES = "totalPages"
DATA = "data"
INVENTORY_PAGE_SIZE = 1000  # 2000 is the most; half of it stays well below our size cap
ORDERS_PAGE_SIZE = 1000
MOST_PAGES = 1000

# What we send: section 5, POST /orders
TYPE_ID = "giftCardTypeId"
AMOUNT = "amount"
ORDER_REFERENCE = "orderReference"
LONGEST_REFERENCE = 64

# What they answer
NAME = "name"
STATUS = "status"
QUANTITY = "quantity"
CURRENCY = "currency"
CREATED = "createdDate"
FUNDS = "balance"
CARD_LIST = "cards"
CARD_NUMBER = "cardNumber"
PIN = "pin"
CLAIM_URL = "claimUrl"
EXPIRY = "expiryDate"
BRAND = "brand"
KIND = "denominationType"
CARD_VALUE = "cardValue"
MIN_AMOUNT = "minAmount"
MAX_AMOUNT = "maxAmount"
AVAILABLE = "available"

# Errors: section 7
MESSAGE_KEYS = ("message", "errorMessage", "error")
MAINTENANCE = re.compile(r"maintenance", re.IGNORECASE)
DUPLICATE = re.compile(r"\bduplicate\b.*\breference\b", re.IGNORECASE | re.DOTALL)
KNOWN_REFUSALS = (
    re.compile(r"Gift Card Type with ID \S{1,40} not found\.?", re.IGNORECASE),
    re.compile(r"Card value not match\. CardType value should be [0-9.]{1,20}", re.IGNORECASE),
)
NOT_FOUND = ("purchase order not found", "data not found")
NOT_READY = "data is not available for the given order"

# Statuses: section 6. Compared without case and outer spaces, never by similarity.
DEFAULT_STATUS = "Open"
STANDINGS = {
    "open": Standing.ACCEPTED,
    "processing": Standing.PROCESSING,
    "completed": Standing.COMPLETED,
    "cancelled": Standing.CANCELLED,
    "api low fund": Standing.LOW_FUNDS,
    "on hold": Standing.ON_HOLD,
    "temporary out of stock": Standing.OUT_OF_STOCK,
}
