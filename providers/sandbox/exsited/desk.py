"""Where certificates are made and changed as a form asks for it."""

from providers.sandbox.exsited.book import Book
from providers.sandbox.exsited.certificate import Certificate
from providers.sandbox.exsited.form import CodeForm, CreateForm, PatchForm
from providers.sandbox.exsited.numbers import make_code, make_uuid


class Desk:
    """Uuids and codes depend on the seed and on the number of changes before."""

    def __init__(self, book: Book, seed: str) -> None:
        self._book, self._seed = book, f"{seed}:desk"

    def create(self, form: CreateForm, at: float, who: str) -> Certificate:
        """Take in a new certificate."""
        one = Certificate(
            uuid=make_uuid(self._seed, self._book.changes + 1),
            code=self._code(form.rest.code or CodeForm()),
            accounting_code=form.accounting_code,
            currency=form.currency,
            amount=form.amount,
            status=form.status,
            expires_on=form.rest.expires_on or "",
            attributes=form.rest.attributes or [],
            created_at=at,
            created_by=who,
        )
        one.begin()
        return self._book.add(one, who, at)

    def update(self, one: Certificate, form: PatchForm, at: float, who: str) -> None:
        """Change what the form names; a code makes a new code."""
        if form.accounting_code is not None:
            one.accounting_code = form.accounting_code
        if form.expires_on is not None:
            one.expires_on = form.expires_on
        if form.attributes is not None:
            one.attributes = form.attributes
        if form.code is not None:
            one.code = self._code(form.code)
        one.touch(at, who)
        self._book.change(one, "updated", who, at)

    def _code(self, form: CodeForm) -> str:
        return make_code(self._seed, self._book.changes + 1, form.length, form.prefix)
