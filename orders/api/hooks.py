"""Inbound webhooks: a provider rings at the secret address of one order.

Only the secret counts. A wrong one is answered 404, always alike, whatever the method, the length
or the body; behind a right one every delivery is answered 202, also for an order that is done.
"""

from typing import Any, NoReturn

from django.http import HttpRequest, UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.api.throttles import Deliveries, WrongSecrets, limit
from orders.services import doorbells

LARGEST_BODY = 64 * 1024  # bytes


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 64 KiB."


class AlwaysJSON(BaseContentNegotiation):
    """Answer in JSON whatever the other side says it accepts: a delivery is not lost over that."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class Doorbell(APIView):
    """POST /webhooks/<secret>/ – 202; 404 wrong secret; 413 too large; 429 too often.

    A body that is too large is not read, but it rings: an order of 500 lines does not fit.
    """

    permission_classes = (AllowAny,)
    content_negotiation_class = AlwaysJSON
    http_method_names = ["post"]

    def post(self, request: Request, token: str) -> Response:
        order = doorbells.find(token.removesuffix("/"))
        if order is None:
            limit(WrongSecrets(), request, self)
            raise NotFound
        limit(Deliveries(order.pk), request, self)
        try:
            body = body_of(request)
        except TooLarge:
            doorbells.ring(order, b"")
            raise
        doorbells.ring(order, body)
        return Response({}, status=status.HTTP_202_ACCEPTED)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotFound


def body_of(request: Request) -> bytes:
    """The raw body, of 64 KiB at most. Raises `TooLarge`, before or while reading it.

    b"" if it breaks off, or comes in chunks, which Django does not read.
    """
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        body = b"" if announced > LARGEST_BODY else request._request.read(LARGEST_BODY + 1)
    except (ValueError, UnreadablePostError):
        return b""  # the secret was right, and nothing but the secret counts
    if max(announced, len(body)) > LARGEST_BODY:
        raise TooLarge
    return body
