"""A row that is about exactly one of several things."""

from functools import reduce
from operator import or_

from django.db.models import Q


def exactly_one(*fields: str) -> Q:
    """The condition that one of these foreign keys is set and the others are not."""
    return reduce(or_, (Q(**{f"{f}__isnull": f != chosen for f in fields}) for chosen in fields))


def none_of(*fields: str) -> Q:
    """The condition that all of these foreign keys are empty."""
    return Q(**{f"{f}__isnull": True for f in fields})
