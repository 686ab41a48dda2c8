"""People and their roles. Who grants a role to whom is in the audit trail."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from giftops import audit, show
from giftops.desk import CalmList, CappedPaginator
from giftops.models import User
from giftops.roles import CHOICES

WATCHED = ("role", "is_active", "is_staff", "username", "email", "first_name", "last_name")
NOT_YOURSELF = "Nobody changes their own role or switches themselves off. Ask a colleague."


class NewPerson(UserCreationForm):
    """A person who can sign in at once."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)


class KnownPerson(UserChangeForm):
    """A person as they are now."""

    class Meta(UserChangeForm.Meta):
        model = User

    editor: Any = None

    def clean(self) -> dict[str, Any]:
        """Keep people from changing what they themselves may do."""
        data: dict[str, Any] = super().clean() or {}
        if self.editor is not None and self.instance.pk == self.editor.pk:
            for field in {"role", "is_active", "is_staff"} & set(self.changed_data):
                self.add_error(field, NOT_YOURSELF)
        return data


@admin.register(User)
class PeopleDesk(CalmList, UserAdmin, ModelAdmin):
    """Who works here, as what."""

    heading = "People"
    searched = "user names, names and e-mail addresses (their beginning)"
    form = KnownPerson
    add_form = NewPerson
    change_password_form = AdminPasswordChangeForm
    paginator = CappedPaginator
    show_full_result_count = False
    list_fullwidth = True
    list_display = ("person", "role_name", "state", "mail", "seen")
    list_filter = ()
    search_fields = (
        "username__istartswith",
        "first_name__istartswith",
        "last_name__istartswith",
        "email__istartswith",
    )
    search_help_text = "Name or e-mail"
    ordering = ("username",)
    sortable_by = ()
    actions = ()
    filter_horizontal = ()
    readonly_fields = ("password_state", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password_state")}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("What they may do", {"fields": ("role", "is_active", "is_staff")}),
        ("Since", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", ("first_name", "last_name"), "email", "role")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )

    def get_urls(self) -> list[URLPattern]:
        """People are switched off, never deleted; their history is the audit trail."""
        ending = ("_delete", "_history")
        return [url for url in super().get_urls() if not (url.name or "").endswith(ending)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, called by its name."""
        response: HttpResponse = super().changelist_view(
            request, {"title": self.heading} | (extra_context or {})
        )
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody is deleted: what they did stays theirs."""
        return False

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Tell the form who is editing."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            return type("NewPersonHere", (form,), {})
        return type("KnownPersonHere", (form,), {"editor": request.user})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say beside the fields what they do."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "is_staff":
            field.label, field.help_text = "May sign in", "People may; partner systems may not."
        if db_field.name == "is_active":
            field.help_text = "Switched off, they are signed out at once and can do nothing."
        if db_field.name == "role":
            field.help_text = "The role alone says what somebody may do. Granting one is recorded."
        return field

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save, and write down who changed what of whom."""
        before = User.objects.filter(pk=obj.pk).values(*WATCHED).first() or {}
        if not change:
            obj.is_staff = obj.role not in ("", "partner")
        super().save_model(request, obj, form, change)
        for name in WATCHED:
            if before.get(name) != getattr(obj, name) and (change or name == "role"):
                self._write_down(request, obj, name, before.get(name, ""))

    def _write_down(self, request: HttpRequest, obj: User, name: str, before: Any) -> None:
        action = "user.role_granted" if name == "role" else f"user.{name}_changed"
        is_private = name in ("email", "first_name", "last_name")
        facts = {} if is_private else {"was": str(before), "now": str(getattr(obj, name))}
        audit.record(action, actor=request.user, obj=obj, request=request, **facts)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set somebody's password; that it was set is recorded, never the password."""
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            person = User.objects.get(pk=id)
            audit.record("user.password_set", actor=request.user, obj=person, request=request)
        return response

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own log is not used: the audit trail is."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own log is not used: the audit trail is."""

    @admin.display(description="password")
    def password_state(self, user: User) -> SafeString:
        link = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('Never shown. <a class="g-link" href="{}">Set another</a>', link)

    @admin.display(description="person")
    def person(self, user: User) -> SafeString:
        return show.two_lines(user.get_full_name() or user.username, user.username)

    @admin.display(description="role")
    def role_name(self, user: User) -> str:
        extra = " + superuser" if user.is_superuser else ""
        return f"{dict(CHOICES).get(user.role, 'No role')}{extra}"

    @admin.display(description="state")
    def state(self, user: User) -> SafeString:
        if not user.is_active:
            return show.pill(show.DARK, "Switched off")
        return show.pill(show.GREEN, "Active") if user.role else show.pill(show.GREY, "No role")

    @admin.display(description="e-mail")
    def mail(self, user: User) -> str:
        return user.email or show.EMPTY

    @admin.display(description="last signed in")
    def seen(self, user: User) -> SafeString:
        return show.age(user.last_login)
