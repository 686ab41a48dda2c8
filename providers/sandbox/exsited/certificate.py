"""One gift certificate: what is known of it, and what may happen to it.

Money is in minor units of the certificate's currency, times in Unix seconds. A transaction is
signed: what is on the certificate is the sum of its transactions.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

ACTIVE, DISABLED, EXPIRED, USED = "ACTIVE", "DISABLED", "EXPIRED", "USED"
INITIAL, DEBIT, AMEND = "INITIAL", "DEBIT", "AMEND"
ALLOCATE, DEALLOCATE = "ALLOCATE", "DEALLOCATE"


class NotPossible(ValueError):
    """The certificate does not allow it; `code` is that of the contract."""

    def __init__(self, message: str, code: str = "VALIDATION_ERROR") -> None:
        super().__init__(message)
        self.code = code


class Transaction(NamedTuple):
    """Money that came onto a certificate, or left it."""

    type: str
    at: float
    minor: int
    currency: str
    accounting_code: str
    reference: str = ""


class Allocation(NamedTuple):
    """A certificate given to an account, or taken from it."""

    type: str
    at: float
    account: str


@dataclass(slots=True, kw_only=True)
class Certificate:
    """A row of the book. `amount` was put on it, `used` was spent; `id` its number
    in the ledger.

    `quirks` says how what is told of it differs from what is true.
    """

    uuid: str
    code: str = field(repr=False)
    accounting_code: str
    currency: str
    amount: int
    created_at: float
    created_by: str
    status: str = ACTIVE
    used: int = 0
    expires_on: str = ""
    updated_at: float = 0.0  # 0: never
    updated_by: str = ""
    attributes: list[tuple[str, Any]] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    quirks: dict[str, Any] = field(default_factory=dict)
    id: int = 0  # 0: not in the ledger yet

    @property
    def remaining(self) -> int:
        """What can still be spent."""
        return self.amount - self.used

    def touch(self, at: float, by: str) -> None:
        """Note who changed it last."""
        self.updated_at, self.updated_by = at, by

    def begin(self) -> None:
        """The first transaction of a new certificate."""
        self._record(INITIAL, self.created_at, self.amount)

    def spend(self, minor: int, at: float, by: str, reference: str) -> None:
        """Take money off, as the payment of an invoice does. Raises NotPossible."""
        if self.status != ACTIVE:
            raise NotPossible("The gift certificate is not active")
        if not 0 < minor <= self.remaining:
            raise NotPossible("The balance does not suffice", "INSUFFICIENT_BALANCE")
        self.used += minor
        self._record(DEBIT, at, -minor, reference)
        self._judge()
        self.touch(at, by)

    def amend(self, balance: int, at: float, by: str, accounting_code: str = "") -> None:
        """Set what can still be spent. Raises NotPossible."""
        if balance < self.used:
            raise NotPossible("The amount is below the used amount", "INSUFFICIENT_BALANCE")
        difference = balance - self.remaining
        self.amount += difference
        self._record(AMEND, at, difference, accounting_code=accounting_code)
        self._judge()
        self.touch(at, by)

    def switch(self, status: str, at: float, by: str) -> None:
        """Disable or enable it; to be asked twice changes nothing."""
        self.status = status
        self._judge()
        self.touch(at, by)

    def allocate(self, account: str, at: float, by: str) -> None:
        """Give it to an account. Raises NotPossible."""
        if account in self.accounts:
            raise NotPossible("The gift certificate is allocated to this account already")
        self.allocations.append(Allocation(ALLOCATE, at, account))
        self.touch(at, by)

    def deallocate(self, account: str, at: float, by: str) -> None:
        """Take it from an account. Raises NotPossible."""
        if account not in self.accounts:
            raise NotPossible("The gift certificate is not allocated to this account")
        self.allocations.append(Allocation(DEALLOCATE, at, account))
        self.touch(at, by)

    def take_back(self, index: int) -> None:
        """Let a transaction never have been; what is left of the history adds up again.

        Raises NotPossible.
        """
        self._weigh(self._transaction(index), -1)
        del self.transactions[index]

    def rewrite(self, index: int, minor: int) -> None:
        """Let a transaction have been about another amount; the history adds up again.

        Raises NotPossible.
        """
        old = self._transaction(index)
        self._weigh(old, -1)
        self.transactions[index] = old._replace(minor=minor)
        self._weigh(self.transactions[index], 1)

    def _transaction(self, index: int) -> Transaction:
        try:
            return self.transactions[index]
        except IndexError:
            raise NotPossible("There is no such transaction") from None

    def _weigh(self, one: Transaction, times: int) -> None:
        if one.type == DEBIT:
            self.used -= times * one.minor
        else:
            self.amount += times * one.minor
        self._judge()

    @property
    def accounts(self) -> set[str]:
        """Whose it is now."""
        found: set[str] = set()
        for one in self.allocations:
            (found.add if one.type == ALLOCATE else found.discard)(one.account)
        return found

    def _record(
        self, kind: str, at: float, minor: int, reference: str = "", accounting_code: str = ""
    ) -> None:
        booked = accounting_code or self.accounting_code
        self.transactions.append(Transaction(kind, at, minor, self.currency, booked, reference))

    def _judge(self) -> None:
        """Nothing left is USED, and something left is not."""
        if self.status == ACTIVE and not self.remaining:
            self.status = USED
        elif self.status == USED and self.remaining:
            self.status = ACTIVE
