"""CP Extender's paths, JSON keys, texts and limits: the only place that spells them.

Much is assumed (docs/contracts/cp_extender.md marks each): when the provider tells better, this
file is the one to edit. Paths and keys are sent and read in exactly this case.
"""

import re
from datetime import timedelta

from providers.gateways.base import CardStanding, ReservationType

Sentences = tuple[tuple[int, str], ...]  # what they say, each with its status

# Every request, GETs too: section 1
CONTENT_TYPE = {"Content-Type": "application/json"}

# Routes: contract section 3
STATUS_PAGE = "/Connection/Status"
VERSION_PAGE = "/Connection/GetVersion"
LOGIN = "/SSO/Login"
RESERVE = "/Giftcard/ReserveIds"
CREATE = "/Giftcard/Create"
BALANCE = "/Giftcard/{id}/BalanceCheck"
CERTIFICATE = "/Giftcard/{id}/Certificate"
AUTHORIZE = "/Giftcard/Authorize"
CONFIRM = "/Authorize/Confirm"
CANCEL = "/Authorize/Cancel"
CUSTOMER_BY_EMAIL = "/Customer/FromEmail/{EmailAddress}"
CUSTOMER_BY_ID = "/Customer/FromId/{CustomerId}"
CARD_ID = "id"
EMAIL_ADDRESS = "EmailAddress"
CUSTOMER_ID = "CustomerId"

# Signing in: section 2
USER_NAME = "UserName"
PASSWORD = "Password"  # noqa: S105 - the name of a field
API_TOKEN = "APItoken"  # noqa: S105 - the name of a field
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8000}=*", re.ASCII)  # RFC 6750 section 2.1
EXPIRES = "exp"  # RFC 7519 section 4.1, as the next two
ISSUED = "iat"
NOT_BEFORE = "nbf"
LIFE_UNTIL_REFUSED = 10 * 365 * 24 * 3600  # seconds: where a token says nothing [assumed]
LIFE_IF_SENSELESS = 60  # seconds, when what it says makes no sense [assumed]

# What we send: sections 4, 5, 8, 9
REQUEST_NAME = "RequestName"
REQUEST_TYPE = "RequestType"
POOL_COUNT = "PoolCount"
AGENCY = "Agency"
CUSTOMER_NUMBER = "CustomerNumber"
GIFT_CARD_ID = "GiftCardId"
GIFT_CARD_CODE = "GiftCardCode"
GIFT_CARD_VALUE = "GiftCardValue"
SALE_ID = "SaleId"
POINTS = "PointsToRedeem"
TYPE = "Type"
REF = "Ref"
REQUESTED_AMOUNT = "RequestedAmount"
AUTH_CODE = "AuthCode"

GIFT_CARD = "giftcard"  # the only Type we hold money on
REQUEST_TYPES = {ReservationType.SINGLE: "single", ReservationType.POOL: "pool"}
SINGLE_LIVES = timedelta(hours=1)
NUMBERS_PER_POOL = 500  # "typically": a setting of theirs
MOST_NUMBERS = 10_000  # [assumed]: more is a mistake
MOST_POINTS = 999_999_999  # [assumed]: more is a mistake
LONGEST_NAME = 64  # [assumed], as the next five
LONGEST_ID = 64
LONGEST_EMAIL = 254
LONGEST_STATUS = 60
LONGEST_TEXT = 200
LONGEST_CUSTOMER_NAME = 500
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # of a card; it stands in paths [assumed]
ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # of a customer, a kind of card, a sale [assumed]
AUTH_CODE_FORM = re.compile(r"[!-~]{1,200}", re.ASCII)  # printable, without spaces [assumed]
EMAIL = re.compile(r"[^\s@<>,;/\\]+@[^\s@<>,;/\\]+\.[^\s@<>,;/\\]+")  # it stands in a path

# What they answer
STATUS = "Status"
VERSION = "Version"
GIFT_CARDS = "GiftCards"
CARD = "GiftCard"
CARD_NUMBER = "Id"
FUNDS = "Balance"
HELD = "OpenAuthorizations"
AVAILABLE = "AvailableBalance"
HISTORY = "History"
ACTIVITY = "Activity"
DATE = "Date"
DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)  # month, day, year
AMOUNT = "Amount"
LOCATION = "Location"
DOCUMENT = "Document"
REQUEST_ID = "RequestId"
AUTHORIZED_AMOUNT = "AuthorizedAmount"
CUSTOMER = "CustomerInfo"
CUSTOMER_NO = "CPCustomerID"
FULL_NAME = "FullName"
FIRST_NAME = "FirstName"
LAST_NAME = "LastName"
COMPANY = "Company"
EMAIL_OF_CUSTOMER = "Email"

JPEG = "image/jpeg"
JPEG_BEGINS = b"\xff\xd8\xff"
JPEG_ENDS = b"\xff\xd9"
LARGEST_CERTIFICATE = 10 * 1024 * 1024  # bytes [assumed]

# A number that no card has: asking for its balance tests the sign-in and touches nothing [assumed]
NO_CARD = "GIFTOPS-CONNECTION-TEST"

# Statuses: section 6; all but "active" [assumed]. Compared without case and outer spaces.
STANDINGS = {
    "active": CardStanding.ACTIVE,
    "expired": CardStanding.EXPIRED,
    "voided": CardStanding.VOIDED,
}

# Errors: sections 3 and 4. Each with its status and their words, found without case in whatever
# they say [assumed]; what is said in other words is not known to be a refusal.
MESSAGE_KEYS = ("Message", "message")
LONGEST_MESSAGE = 500  # of plain text; what is longer, or looks like this, is no sentence
MARKUP = re.compile(r"<|^[{\[\"]")
PLAIN_REFUSAL = (400, "Bad Request")  # counts only if it is all they say, and only to these
REFUSES_PLAINLY = (RESERVE, CREATE)
ALREADY_EXISTS: Sentences = ((400, "GiftcardId Already Exists"),)
NOT_RESERVED: Sentences = ((400, "GiftcardId Not Reserved"),)
CREATE_REFUSALS: Sentences = (
    (400, "SaleId is Required"),
    (400, "Gift Card Value must be greater than 0"),
    (400, "GiftCardCode specified does not allow value change"),
    (404, "Gift Card Code Not Found"),
    (404, "Customer Not Found"),
)
AUTHORIZE_REFUSALS: Sentences = (
    (400, "Required: Type, Ref, SaleId, and (RequestedAmount or RequestedPoints)"),
    (400, "Type is required"),
    (400, "GiftCard has been voided"),
    (400, "GiftCard has expired"),
    (400, "No Balance Remaining"),
    (404, "Id not found"),  # [assumed] for an unknown Ref
)
HOLD_IS_OVER: Sentences = (  # all [assumed]
    *((400, f"already {how}") for how in ("completed", "confirmed", "cancelled")),
    *((400, f"already been {how}") for how in ("completed", "confirmed", "cancelled")),
    (404, "Authorization not found"),
    (404, "Id not found"),
)
# "There is none" is proven only by exactly these words, whatever stands around them.
NO_SUCH_CARD = re.compile(r"\W*(404\W+)?id not found\W*", re.IGNORECASE)
NO_SUCH_CUSTOMER = re.compile(r"\W*(404\W+)?(customer|id) not found\W*", re.IGNORECASE)
