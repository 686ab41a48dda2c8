"""Moving sealed values to the current key, and proving that an old key is needed no more."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models.functions import Cast, Left

from giftops import sealing
from giftops.sealing import SealedField, SealError, StoredToken

BATCH = 500  # rows of one transaction

Progress = Callable[[str, int, int], None]  # column, rows done, rows in all


@dataclass(frozen=True, slots=True)
class Column:
    """One sealed column of one table."""

    model: type[models.Model]
    field: SealedField

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.field.column}"

    def tokens(self) -> models.QuerySet[Any]:
        """Give (pk, token) of every row that has one, by primary key."""
        text = Cast(self.field.attname, models.TextField())
        rows = self.model._base_manager.annotate(sealed_text=text).exclude(sealed_text="")
        return rows.order_by("pk").values_list("pk", "sealed_text")

    def sealed_by(self, kid: str) -> models.QuerySet[Any]:
        """Give those that one key sealed; compared exactly, which LIKE on SQLite does not do."""
        return self.tokens().annotate(start=_start(kid)).filter(start=f"{kid}.")

    def sealed_by_others(self, *kids: str) -> models.QuerySet[Any]:
        """Give those that none of these keys sealed."""
        rows = self.tokens()
        for number, kid in enumerate(kids):
            rows = rows.annotate(**{f"start{number}": _start(kid)})
            rows = rows.exclude(**{f"start{number}": f"{kid}."})
        return rows


def _start(kid: str) -> Left:
    return Left(models.F("sealed_text"), len(kid) + 1)


@dataclass(slots=True)
class Result:
    """How many values moved to the current key, and which could not be opened."""

    moved: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)


def columns() -> Iterator[Column]:
    """Name every sealed column of every table."""
    for model in apps.get_models():
        for column in model._meta.local_concrete_fields:
            if isinstance(column, SealedField) and model._meta.managed:
                yield Column(model, column)


def count_sealed_by(kid: str) -> dict[str, int]:
    """Count, by column, what this key sealed; all 0 proves that the key may go."""
    return {str(column): column.sealed_by(kid).count() for column in columns()}


def count_lost() -> dict[str, int]:
    """Count, by column, what no key of the ring can open; columns without any are left out."""
    kids = sealing.key_ring().keys
    counts = {str(column): column.sealed_by_others(*kids).count() for column in columns()}
    return {column: count for column, count in counts.items() if count}


def reseal_everything(progress: Progress) -> Result:
    """Seal every value again that another than the current key sealed.

    Batches of 500 rows, each its own transaction; stopped half way, the next run goes on from
    there. A value that changed meanwhile is left alone: whoever changed it used the current key.
    """
    result = Result()
    for column in columns():
        _reseal(column, result, progress)
    return result


def _reseal(column: Column, result: Result, progress: Progress) -> None:
    pending = column.sealed_by_others(sealing.key_ring().current)
    total, done, last = pending.count(), 0, None
    while page := list((pending.filter(pk__gt=last) if last else pending)[:BATCH]):
        with transaction.atomic():
            for pk, token in ((row[0], row[1]) for row in page):
                _reseal_one(column, pk, token, result)
        last, done = page[-1][0], done + len(page)
        progress(str(column), done, max(total, done))


def _reseal_one(column: Column, pk: Any, token: str, result: Result) -> None:
    place = {"table": column.model._meta.db_table, "row": pk, "column": column.field.column}
    try:
        fresh = sealing.seal(sealing.unseal(token, **place), **place)
    except SealError as problem:
        result.failed += 1
        result.problems.append(f"{column} of {pk}: {problem}")
        return
    name = column.field.attname
    unchanged = column.model._base_manager.filter(pk=pk, **{name: StoredToken(token)})
    result.moved += unchanged.update(**{name: StoredToken(fresh)})
