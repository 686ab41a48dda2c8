"""The lines of orders on pages: what, for whom, how far; however many there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, Count, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest
from django.utils.safestring import SafeString

from giftops import show
from giftops.money import Money
from giftops.show import BLUE, DARK, GREEN, GREY
from orders.models import Order, OrderLine
from providers.gateways.base import OrderType, Standing

LINES_A_PAGE = 50
DONE = {OrderType.DIGITAL: "Delivered", OrderType.PHYSICAL: "Shipped"}


@dataclass(frozen=True, slots=True)
class Whole:
    """All lines of some orders taken together."""

    lines: int
    cards: int
    delivered: int
    face_value: Money


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line as the page shows it."""

    line: OrderLine
    whom: str
    whereto: str
    pill: SafeString
    done_at: datetime | None


def whole_of(order: Order) -> Whole:
    """The lines of one order counted, in one query."""
    return _counted(order.lines.all(), order.currency)


def whole_of_batch(batch_id: Any, currency: str) -> Whole:
    """The lines of a batch counted, in one query."""
    return _counted(OrderLine.objects.filter(order__batch=batch_id), currency)


def page_of(order: Order, request: HttpRequest) -> Page[OrderLine]:
    """One page of the lines, in the order they were asked for."""
    lines = order.lines.select_related("order").order_by("position", "id")
    return Paginator(lines, LINES_A_PAGE).get_page(request.GET.get("p"))


def row_of(line: OrderLine) -> LineRow:
    """A line in words."""
    whom = line.recipient_name or (line.address or {}).get("name", "")
    return LineRow(line, whom, _whereto(line), _pill(line), line.delivered_at)


def with_first_line(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with what a list says of their lines, in the same query."""
    line = OrderLine.objects.filter(order=OuterRef("pk")).order_by("position", "id")
    whom = Coalesce(
        NullIf("recipient_name", Value("")),
        NullIf("recipient_email", Value("")),
        "recipient_phone",
        output_field=CharField(),
    )
    counted = line.order_by().values("order")
    return orders.annotate(
        card_name=Subquery(line.values("product_name")[:1]),
        recipient=Subquery(line.annotate(whom=whom).values("whom")[:1]),
        line_count=Subquery(counted.annotate(n=Count("pk")).values("n")),
        card_count=Subquery(counted.annotate(n=Sum("quantity")).values("n")),
    )


def whom_of(order: Any) -> str:
    """Whom an order of `with_first_line` is for: "Ann", "Ann and 299 more"; "" if nobody."""
    more = order.line_count - 1
    return f"{order.recipient} and {more:,} more" if order.recipient and more else order.recipient


def _counted(lines: QuerySet[OrderLine], currency: str) -> Whole:
    found = lines.aggregate(
        lines=Count("pk"),
        cards=Coalesce(Sum("quantity"), 0),
        delivered=Count("delivered_at"),
        value=Coalesce(Sum(F("face_value_minor") * F("quantity")), 0),
    )
    value = Money(int(found["value"]), currency)
    return Whole(found["lines"], found["cards"], found["delivered"], value)


def _whereto(line: OrderLine) -> str:
    if line.address:
        place = line.address
        parts = (place["line_1"], place["line_2"], place["city"], place["state"])
        street = ", ".join(part for part in parts if part)
        return f"{street} {place['postcode']}, {place['country']}"
    return " · ".join(text for text in (line.recipient_email, line.recipient_phone) if text)


def _pill(line: OrderLine) -> SafeString:
    if not line.standing:
        return show.pill(GREY, "Nothing yet")
    if line.standing == Standing.COMPLETED:
        done = DONE.get(OrderType(line.order.type), "Done")
        return show.pill(GREEN, done, line.provider_text)
    if line.standing == Standing.CANCELLED:
        return show.pill(DARK, "Not delivered", line.provider_text)
    return show.pill(BLUE, "On its way", line.provider_text)
