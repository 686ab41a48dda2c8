"""How often machines may ask; counted in the cache, which all our processes share."""

from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from giftops.addresses import client_address


class WrongSecrets(SimpleRateThrottle):
    """Guesses by one address. A right secret is never counted, nor refused for others' guesses."""

    rate = "30/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:webhook-guesses:{client_address(request._request)}"


class Deliveries(SimpleRateThrottle):
    """Deliveries to one order."""

    rate = "60/min"

    def __init__(self, order_id: object) -> None:
        super().__init__()
        self.order_id = order_id

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:webhook-deliveries:{self.order_id}"


def limit(throttle: SimpleRateThrottle, request: Request, view: APIView) -> None:
    """Count one request. Raises `Throttled` (429 with Retry-After) beyond the rate."""
    if not throttle.allow_request(request, view):
        raise Throttled(throttle.wait())
