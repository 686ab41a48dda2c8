"""Who looked at a secret of which card, when and why. The secret itself is not here."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from orders.admin import filters
from orders.models import Reveal


@admin.register(Reveal)
class RevealDesk(Desk):
    """Every look, newest first."""

    heading = "Reveals"
    searched = "tickets and user names, exactly"
    empty_title = "Nobody has looked at a code"
    empty_text = (
        "Each look at a card number, a PIN, a claim link or a certificate is listed here with its "
        "reason."
    )
    empty_icon = "visibility_off"
    list_display = ("card_mask", "what", "person", "why", "source", "when")
    list_display_links = None
    list_filter = (
        filters.choice_filter("secret", "what", lambda: list(Reveal.Secret.choices)),
        filters.period_filter("at", "when"),
    )
    list_filter_submit = True
    search_fields = ("ticket__exact", "user__username__exact")
    search_help_text = "Ticket or user name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reveal]:
        rows = super().get_queryset(request).select_related("user", "card__order")
        return rows.defer("card__pin", "card__challenge")  # the mask tells codes from links

    @admin.display(description="card")
    def card_mask(self, look: Reveal) -> SafeString:
        return format_html('<span class="g-mask">{}</span>', look.card.mask)

    @admin.display(description="what")
    def what(self, look: Reveal) -> str:
        return look.get_secret_display()

    @admin.display(description="who")
    def person(self, look: Reveal) -> SafeString:
        return show.two_lines(look.user.get_full_name(), look.user.get_role_display())

    @admin.display(description="why")
    def why(self, look: Reveal) -> SafeString:
        return show.two_lines(look.ticket, look.reason)

    @admin.display(description="order or sale")
    def source(self, look: Reveal) -> SafeString:
        """A bought card's order; of an issued one the sale that paid for it, and its own page."""
        card = look.card
        link = reverse("admin:orders_card_change", args=[card.pk])
        name = show.code(card.sale_id, shorten=True)
        if card.order is not None:
            link = reverse("admin:orders_order_change", args=[card.order.pk])
            name = show.code(card.order.reference, shorten=True)
        return format_html('<a class="g-link" href="{}">{}</a>', link, name)

    @admin.display(description="when")
    def when(self, look: Reveal) -> SafeString:
        return show.age(look.at)
