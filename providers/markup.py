"""Texts of providers, made harmless: a few plain marks stay, everything else goes.

No attributes, no links, no pictures: nothing in them can run, lead away or be fetched.
"""

import re

import nh3
from django.utils.safestring import SafeString, mark_safe

MARKS = frozenset({"p", "br", "ul", "ol", "li", "b", "strong", "i", "em"})
MOST = 20_000  # characters of one text, as it comes
CONTENT_GOES_TOO = {"script", "style", "template", "title", "textarea", "noscript", "iframe"}
NO_ATTRIBUTES: dict[str, set[str]] = {"*": set()}  # without "*" nh3 keeps `lang` and `title`

_BLOCK_ENDS = re.compile(r"</(?:div|h[1-6]|tr|section|article|blockquote|dd|dt)\s*>", re.IGNORECASE)
_CELL_ENDS = re.compile(r"</(?:td|th)\s*>", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """A text as it is stored: nothing but `MARKS`, whole again wherever it was cut or left open."""
    return _harmless(text[:MOST] + "…" if len(text) > MOST else text)


def shown(text: str) -> SafeString:
    """A stored text for a page; cleaned once more, because a page must not trust a column."""
    return mark_safe(_harmless(text))  # noqa: S308 - that is what cleaning is for


def _harmless(text: str) -> str:
    """Cleaning what is clean changes nothing."""
    text = _CELL_ENDS.sub(" ", _BLOCK_ENDS.sub("<br>", _CONTROLS.sub("", text)))
    cleaned = nh3.clean(
        text,
        tags=set(MARKS),
        clean_content_tags=CONTENT_GOES_TOO,
        attributes=NO_ATTRIBUTES,
        link_rel=None,
    )
    cleaned = _CONTROLS.sub("", cleaned).strip()  # some came as entities
    return cleaned if "<" in cleaned else cleaned.replace("\n", "<br>")
