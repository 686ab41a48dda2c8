"""What every request and answer passes through."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django_structlog.middlewares import RequestMiddleware

from giftops import clock
from giftops.addresses import is_listed

Handler = Callable[[HttpRequest], HttpResponse]
SIGNED_IN_AT = "signed_in_at"  # session key: whole seconds since 1970
FOR_MACHINES = ("/webhooks/",)
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")


class TrustedProxies:
    """Drop forwarding headers that did not come from a proxy of ours."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        if not is_listed(address, settings.GIFTOPS_TRUSTED_PROXIES):
            for header in FORWARDED:
                request.META.pop(header, None)
        return self.get_response(request)


class NoCookiesForMachines:
    """Neither read nor set a cookie where only machines come: a broken one would be answered."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(FOR_MACHINES):
            request.META.pop("HTTP_COOKIE", None)
        return self.get_response(request)


class SessionEnds:
    """End a session after its longest time, however busy it was (idle time: the cookie's age)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and self._is_over(request):
            logout(request)
        return self.get_response(request)

    def _is_over(self, request: HttpRequest) -> bool:
        moment = int(clock.now().timestamp())
        began = request.session.setdefault(SIGNED_IN_AT, moment)
        return moment - int(began) >= settings.GIFTOPS_SESSION_LONGEST


class NoStore:
    """Keep pages of a signed-in person out of every cache."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
        return response


class LoggedRequests(RequestMiddleware):
    """Write each request by method and path, never with its query string."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Name the request for the log."""
        return f"{request.method} {request.path}"
