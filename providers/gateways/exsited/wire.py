"""Exsited's paths, JSON keys, texts and limits: the only place that spells them.

Much is assumed (docs/contracts/exsited.md marks each): when the provider tells better, this file
is the one to edit. The paths are those of v3, but for the token, which has v1.
"""

import re
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from providers.gateways.base import (
    AllocationKind,
    CertificateOrder,
    CertificateStanding,
    TransactionKind,
)

# Routes: contract sections 2 and 3
TOKEN_PAGE = "/api/v1/oauth2/token"  # noqa: S105 - a path
CERTIFICATES = "/api/v3/gift_certificates"
CERTIFICATE = "/api/v3/gift_certificates/{uuid}"
CERTIFICATE_ALLOCATIONS = "/api/v3/gift_certificates/{uuid}/allocations"
CERTIFICATE_TRANSACTIONS = "/api/v3/gift_certificates/{uuid}/transactions"
UUID = "uuid"

# Signing in: section 2
GRANT_TYPE = "grant_type"
CLIENT_CREDENTIALS = "client_credentials"
CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a field
REDIRECT_URI = "redirect_uri"
ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a field
EXPIRES_IN = "expires_in"
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8000}=*", re.ASCII)  # RFC 6750 section 2.1
LONGEST_LIFE = 24 * 3600  # seconds [assumed]; a token that says more is renewed once a day
LIFE_IF_UNSAID = 60  # seconds, when expires_in makes no sense [assumed]

# Asking for a slice: section 3, "List query"
LIMIT = "limit"
OFFSET = "offset"
ORDER_BY = "order_by"
DIRECTION = "direction"
ASCENDING, DESCENDING = "asc", "desc"
ORDERS = {  # all [assumed] but the first
    CertificateOrder.CREATED: "created_on",
    CertificateOrder.CHANGED: "last_updated_on",
}
PER_SLICE = 100  # [assumed]: the most they give, unless an account's book allows more
MOST_PER_SLICE = 1000  # [assumed]: more is a mistake
MOST_RECORDS = 10**12  # [assumed]: more is a mistake
MOST_PAGES_OF_HISTORY = 1000

# What comes around items: section 3
GIFT_CERTIFICATE = "gift_certificate"
ALLOCATIONS = "allocations"
TRANSACTIONS = "transactions"
PAGINATION = "pagination"
RECORDS = "records"
COUNT = re.compile(r"[0-9]{1,12}", re.ASCII)  # of one that comes as a text

# Errors: section 4
ERRORS = "errors"
ERROR_CODE = "code"
LONGEST_ERROR = 10_000  # bytes [assumed]; a slice of the book is longer, and not looked through
NO_SUCH_CERTIFICATE = ("404", "resource_not_found")  # [assumed]; without case, as the next
UNAUTHORIZED = ("401", "unauthorized")  # the text [assumed]

# Texts: how long they may be is [assumed]
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # a uuid; it stands in paths
LONGEST_CODE = 100
LONGEST_WORD = 60
LONGEST_TEXT = 200
LONGEST_ATTRIBUTE = 2000
AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,5})?", re.ASCII)  # two digits or five, if written out

# Statuses and kinds: section 3. Compared without case and outer spaces, never by similarity.
STANDINGS = {  # all but the first [assumed]
    "active": CertificateStanding.ACTIVE,
    "disabled": CertificateStanding.DISABLED,
    "expired": CertificateStanding.EXPIRED,
    "used": CertificateStanding.USED,
}
TRANSACTION_KINDS = {
    "initial": TransactionKind.INITIAL,
    "debit": TransactionKind.DEBIT,
    "amend": TransactionKind.AMEND,
}
ALLOCATION_KINDS = {
    "allocate": AllocationKind.ALLOCATE,
    "deallocate": AllocationKind.DEALLOCATE,
}


# --- Their objects ------------------------------------------------------------------------------
#
# The names of the fields are their keys. What has no default is required; of a text, null or
# nothing is no value, as "" is. Amounts are texts or numbers, which `parse` tells apart.

Code = Annotated[str, Meta(max_length=LONGEST_CODE)]
Word = Annotated[str, Meta(max_length=LONGEST_WORD)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class Book(Struct):
    """The list of certificates, which is cut into items before it is read."""

    gift_certificates: Raw


class Single(Struct):
    """One certificate."""

    gift_certificate: Raw


class Named(Struct):
    """What is read of an item when it is cut out of a list."""

    uuid: str


class AttributeName(Struct, gc=False, omit_defaults=True):
    name: Text | None = None


class Attribute(Struct, gc=False, omit_defaults=True):
    """A custom attribute: it has its name itself, or in an object of its own."""

    name: Text | None = None
    attribute: AttributeName | None = None
    value: Any = None


class Allocation(Struct, gc=False, omit_defaults=True):
    account: Text
    type: Word
    date: Word | None = None


class Transaction(Struct, gc=False, omit_defaults=True):
    type: Word
    date: Word
    amount: Any
    currency: Word
    accounting_code: Text | None = None
    reference: Text | None = None


class Certificate(Struct, gc=False, omit_defaults=True):
    uuid: str
    code: Code
    status: Word
    accounting_code: Text
    currency: Word
    amount: Any
    remaining_balance: Any
    used_amount: Any
    custom_attributes: list[Attribute]
    allocations: list[Allocation]
    transactions: list[Transaction]
    expiry_date: Word | None = None
    created_by: Text | None = None
    created_on: Word | None = None
    last_updated_by: Text | None = None
    last_updated_on: Word | None = None
