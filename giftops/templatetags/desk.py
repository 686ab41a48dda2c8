"""What our templates need: `{% load desk %}`."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops import show
from giftops.money import Money
from giftops.once import new_token

register = template.Library()

register.simple_tag(show.pill, name="pill")
register.simple_tag(show.age, name="age")
register.filter("money", show.money)
register.filter("exact", show.exact)
register.filter("duration", show.duration)
register.filter("milliseconds", show.milliseconds)


@register.simple_tag
def once() -> SafeString:
    """A hidden field with a fresh single-use token: the form that holds it acts once."""
    return format_html('<input type="hidden" name="once" value="{}">', new_token())


@register.simple_tag
def amount(minor: int, currency: str) -> SafeString:
    """Minor units of a currency as money."""
    return show.money(Money(minor, currency))


@register.filter
def code(text: str) -> SafeString:
    """An identifier in figures of one width."""
    return show.code(str(text))


@register.filter
def short_code(text: str) -> SafeString:
    """An identifier shortened in the middle, whole on hover."""
    return show.code(str(text), shorten=True)


@register.filter
def plural(count: int, word: str) -> str:
    """A count with its noun: `3|plural:"order"` is "3 orders"."""
    many = f"{word[:-2]}ches" if word.endswith("ch") else f"{word}s"
    return f"{count:,} {word if count == 1 else many}"


@register.filter
def thousands(count: int) -> str:
    """A count with its thousands separated: "12,500"."""
    return f"{count:,}"


@register.filter
def share(part: int, whole: int) -> str:
    """Per cent of a whole with one digit, for the width of a bar."""
    return f"{100 * part / whole:.1f}" if whole else "0"


@register.filter
def who(person: Any) -> str:
    """A person as colleagues call them; a missing one is the system itself."""
    if person is None:
        return "giftops"
    return str(person.get_full_name() or person.get_username())
