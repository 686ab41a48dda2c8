"""What our desks in the admin share: read-only by default, own pages, counting with an end.

A desk changes nothing by itself: every change is a POST to an address of its own (`act`), carried
out once (`giftops.pressing`) by a service.
"""

from collections.abc import Callable
from functools import cache, cached_property, wraps
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_FACETS_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin, checkbox

from giftops.models import User

MOST_COUNTED = 10_000
OF_EVERY_LIST = frozenset({ALL_VAR, ERROR_FLAG, IS_FACETS_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR})
UNKNOWN_FILTER = "This list has no such filter; that part of the address is left out."
UNREADABLE_FILTER = "A filter in this address could not be read. The whole list is shown."
UNREADABLE_ROWS = "That does not name rows of this list. Nothing was changed."


def user_of(request: HttpRequest) -> User:
    """Who is signed in; on a desk somebody always is."""
    return cast(User, request.user)


class CappedPaginator(Paginator):
    """Counts to ten thousand and no further: nobody pages that deep, and counting takes long."""

    template_name = "desk/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST_COUNTED."""
        if not isinstance(self.object_list, QuerySet):
            return super().count
        return self.object_list.order_by().values("pk")[: MOST_COUNTED + 1].count()

    @property
    def num_pages(self) -> int:
        """How many pages are offered."""
        rows = min(self.count, MOST_COUNTED)
        return max(1, -(-rows // self.per_page))

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > MOST_COUNTED


class CalmList(ModelAdmin):
    """A list that filters by what it declares and by nothing else.

    Django lets an address filter by any column with any operator, also by parts of columns that
    the list does not show, and stumbles over values that the database cannot take.
    """

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; an address that asks for other filters is put right first."""
        known = self.known_filters(request) | OF_EVERY_LIST
        if request.GET.keys() <= known:
            response: HttpResponse = super().changelist_view(request, extra_context)
            return response
        rest = request.GET.copy()
        for name in request.GET.keys() - known:
            del rest[name]
        tell(request, messages.WARNING, UNKNOWN_FILTER)
        return HttpResponseRedirect(f"{request.path}?{rest.urlencode()}")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only the declared filters."""
        return lookup in self.known_filters(request)

    def known_filters(self, request: HttpRequest) -> set[str]:
        """The names of the declared filters, as they stand in an address."""
        return {each.parameter_name for each in self.get_list_filter(request)}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The rows; the whole list if a value of the address is none the database can take."""
        try:
            return super().get_changelist_instance(request)
        except (OverflowError, ValueError, ValidationError, DataError) as problem:
            if not request.GET.keys() - {ERROR_FLAG}:
                raise  # not the fault of the address
            tell(request, messages.WARNING, UNREADABLE_FILTER)
            raise IncorrectLookupParameters from problem

    def response_action(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Take the rows that were chosen, if they are keys at all."""
        try:
            for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(text)
        except ValidationError:
            tell(request, messages.WARNING, UNREADABLE_ROWS)
            return None
        response: HttpResponse | None = super().response_action(request, *args, **kwargs)
        return response


class Desk(CalmList):
    """A list and, with `detail_template`, a page per row; nothing is added, changed or deleted."""

    detail_template = ""
    heading = ""
    empty_title = "Nothing here yet"
    empty_text = ""
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    list_disable_select_all = True
    sortable_by: Any = ()
    actions: Any = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows here by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits rows here by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is ever deleted here."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The list, the page of a row, and what `pages` adds; none of Django's forms."""
        own = [*self.pages(), self.route("", self.changelist_view, "changelist")]
        if self.detail_template:
            own.append(self.route("<uuid:object_id>/change/", self.change_view, "change"))
        return own

    def pages(self) -> list[URLPattern]:
        """Further addresses of this desk."""
        return []

    def route(self, address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """An address of this desk, for signed-in staff, named admin:<app>_<model>_<name>."""
        wrapped = self.admin_site.admin_view(view)
        return path(address, wrapped, name=f"{self.opts.app_label}_{self.opts.model_name}_{name}")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, called by its name."""
        return super().changelist_view(request, {"title": self.heading} | (extra_context or {}))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The rows, and what an empty list offers."""
        changelist = super().get_changelist_instance(request)
        changelist.first_step = self.first_step(request)
        return changelist

    def first_step(self, request: HttpRequest) -> tuple[str, str] | None:
        """Where an empty list leads and what the button says; None if nowhere."""
        return None

    @admin.display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Model) -> str:
        """The box to choose a row with; drawn once, because a template per row is slow."""
        return mark_safe(_checkbox().replace("PK", str(obj.pk)))  # noqa: S308 - a key, not a text

    def change_view(
        self, request: HttpRequest, object_id: Any, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one row."""
        return self.detail(request, self.find(request, object_id))

    def find(self, request: HttpRequest, object_id: Any) -> Any:
        """The row, for somebody who may look at it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=object_id).first()
        if found is None:
            raise Http404
        return found

    def detail(
        self, request: HttpRequest, obj: Model, *, status: int = 200, **extra: Any
    ) -> HttpResponse:
        """Draw the page of one row; `extra` joins (and overrides) its context."""
        context = {"object": obj} | self.detail_context(request, obj) | extra
        title = context.pop("title", str(obj))
        return self.page(request, self.detail_template, title, status=status, **context)

    def detail_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the page of one row shows."""
        return {}

    def page(
        self, request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
    ) -> TemplateResponse:
        """Draw a page of this desk inside the admin's frame."""
        request.current_app = self.admin_site.name
        frame = self.admin_site.each_context(request)
        whole = frame | {"title": title, "model_admin": self} | context
        return TemplateResponse(request, template, whole, status=status)


@cache
def _checkbox() -> str:
    """The box of a row with "PK" for its key."""
    return checkbox.render(ACTION_CHECKBOX_NAME, "PK")


def act(permission: str) -> Callable[..., Any]:
    """Guard an address that changes something: a POST by somebody who may."""

    def guard(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if any("\0" in text for _, texts in request.POST.lists() for text in texts):
                raise BadRequest("A text with a NUL byte was sent.")  # PostgreSQL stores none
            return view(self, request, *args, **kwargs)

        return guarded

    return guard


def tell(request: HttpRequest, level: int, sentence: object) -> None:
    """Say one sentence at the top of the next page."""
    messages.add_message(request, level, sentence)  # type: ignore[arg-type]
