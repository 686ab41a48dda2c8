"""GiftCard Partners' paths, JSON keys, texts and limits: the only place that spells them.

Much is assumed (docs/contracts/giftcardpartners.md marks each): when the provider tells better,
this file is the one to edit. Keys are sent as they stand here and read whatever their case.
"""

import re
from datetime import timedelta

from providers.gateways.base import OptionKind, OrderType, ProductKind, Recovery, Standing

# Routes: contract section 4
TOKENS = "/v1/Tokens"
PRODUCTS = "/v1/Products"
ORDERS = "/v1/Orders"
ORDER = "/v1/Orders/{id}"
BALANCE = "/v1/AccountBalance"
STATUS_PAGE = "/v1/Status"
OPTIONS = {
    OptionKind.SHIPPING_METHOD: ("list_shipping_methods", "/v1/ShippingMethods"),
    OptionKind.CARRIER: ("list_carriers", "/v1/Carriers"),
    OptionKind.BRANDING: ("list_brandings", "/v1/Brandings"),
    OptionKind.DEPARTMENT: ("list_departments", "/v1/Departments"),
}
ORDER_ID = "id"

# Signing in: section 3
EMAIL_HEADER = "Email"
ACCESS_TOKEN_HEADER = "AccessToken"  # noqa: S105 - the name of a header
VALUE = "Value"
EXPIRES_IN = "ExpiresIn"
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8000}=*", re.ASCII)  # RFC 6750 section 2.1
LONGEST_LIFE = 24 * 3600  # seconds [assumed]; a token that says more is renewed once a day
LIFE_IF_UNSAID = 60  # seconds, when ExpiresIn makes no sense [assumed]

# Lists: section 4, 2/3. Pages are counted from 1.
PAGE_INDEX = "pageIndex"
PAGE_SIZE_ASKED = "pageSize"
DATA = "Data"
PAGE = "Page"
PAGE_SIZE = "PageSize"
TOTAL = "TotalCount"
LARGEST_PAGE = 500  # [assumed]
HISTORY_PAGE_SIZE = 20  # what they give unasked [assumed]; orders of many lines make long answers
SHORTER_PAGES = (100, 20, 4, 1)  # of a history whose longer pages are too long for us
MOST_PAGES = 1000

# What we send: section 4, POST /v1/Orders
TYPE = "Type"
PO_NUMBER = "PONumber"
LINES = "LineItems"
PRODUCT_ID = "ProductId"
QUANTITY = "Quantity"
DIGITAL_ADDRESS = "DigitalDeliveryAddress"
EMAIL = "Email"
SMS = "Sms"
PHYSICAL_ADDRESS = "PhysicalDeliveryAddress"
SHIPPING_METHOD_ID = "ShippingMethodId"
CARRIER_ID = "CarrierId"
NAME = "Name"
ADDRESS_1 = "AddressLine1"
ADDRESS_2 = "AddressLine2"
CITY = "City"
STATE = "State"
ZIP = "Zip"
COUNTRY = "Country"
PERSONALIZATION = "Personalization"
TO = "To"
FROM_NAME = "FromName"
FROM_EMAIL = "FromEmail"
MESSAGE = "Message"
DELIVERY_DATE = "DeliveryDate"
BRANDING_ID = "BrandingId"
EXTERNAL_ID = "ExternalId"
NOTE = "Note"
DEPARTMENT_ID = "DepartmentId"
WEBHOOKS = "WebhookSettings"
FULFILLMENT_COMPLETE = "FulfillmentComplete"

ORDER_TYPES = {
    OrderType.DIGITAL: "DigitalDelivery",
    OrderType.LINKS: "Links",
    OrderType.PHYSICAL: "PhysicalShipment",
}
LONGEST_REFERENCE = 64  # [assumed]
LINES_PER_ORDER = 500  # [assumed]
MOST_CARDS_OF_A_LINE = 100_000  # [assumed]: more is a mistake
LONGEST_ID = 64  # [assumed], as the next four
LONGEST_NAME = 120
LONGEST_EMAIL = 254
LONGEST_TEXT = 1000
LONGEST_URL = 500

# What they answer
ID = "Id"
STATUS = "Status"
COST = "Cost"
CLAIM_DATA = "ClaimData"
CLAIM_LINK = "ClaimLink"
CHALLENGE = "ClaimLinkChallengeAnswer"
AVAILABLE = "Available"
PENDING = "Pending"
CURRENCY = "CurrencyCode"
DESCRIPTION = "Description"
GROUP = "FulfillmentGroup"
DENOMINATIONS = "Denominations"
DENOMINATION_TYPE = "DenominationType"
SHORT_DESCRIPTION = "ShortDescription"
LONG_DESCRIPTION = "LongDescription"
SMALL_PRINT = ("Terms", "Disclaimer", "RedemptionNote")
DELIVERY_TYPES = "AvailableDeliveryTypes"
META = "Meta"
SHIPPING = "ShippingConfiguration"
NEEDS_CARRIER = "HasRequiredCardCarriers"
FEE = "Fee"
DISCOUNT = "DiscountPercentage"
LONGEST_MARKUP = 100_000
KINDS = {"fixed": ProductKind.FIXED, "variable": ProductKind.VARIABLE}

# Errors: section 5
ERROR_MESSAGE = "Message"
ERROR_LIST = "Errors"
PREVIOUS_IDS = "PreviousOrderIds"

# Statuses: section 4. Compared without case and outer spaces, never by similarity.
STANDINGS = {
    "pending": Standing.PROCESSING,
    "completed": Standing.COMPLETED,
    "failed": Standing.CANCELLED,
    "cancelled": Standing.CANCELLED,
}

# Section 6: POST again with the same PONumber; for how long they remember it is not promised.
RECOVERY = Recovery(
    look_ups=(
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
    ),
    replays_for=timedelta(hours=24),
    adopts_first_duplicate=False,
)
