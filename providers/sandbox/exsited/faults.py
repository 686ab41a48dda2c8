"""The faults that only a provider of this shape can have."""

from providers.sandbox.faults import Kind
from providers.sandbox.mutations import Targets

TOKENS = frozenset({"createToken"})
LIST = frozenset({"listGiftCertificates"})
TARGETS = Targets(
    texts=("uuid", "code", "access_token", "amount", "currency", "status"),
    numbers=("records", "amount", "limit", "offset", "expires_in"),
)


KINDS: tuple[Kind, ...] = ()
