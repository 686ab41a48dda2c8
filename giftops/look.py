"""How the admin looks: the settings of django-unfold. What it shows is named by dotted path."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

# A calm deep teal, and greys that lean towards it.
PRIMARY = {
    "50": "oklch(97.6% .014 181)",
    "100": "oklch(94.6% .032 181)",
    "200": "oklch(89.4% .058 181)",
    "300": "oklch(81.2% .084 182)",
    "400": "oklch(71% .096 183)",
    "500": "oklch(60% .092 185)",
    "600": "oklch(48.5% .078 187)",
    "700": "oklch(41.5% .067 189)",
    "800": "oklch(35.5% .056 191)",
    "900": "oklch(30.5% .046 193)",
    "950": "oklch(21.5% .034 195)",
}
BASE = {
    "50": "oklch(98.3% .003 195)",
    "100": "oklch(96.3% .005 195)",
    "200": "oklch(92.2% .008 195)",
    "300": "oklch(86.6% .012 197)",
    "400": "oklch(70.2% .02 200)",
    "500": "oklch(53.8% .024 205)",
    "600": "oklch(43.6% .026 210)",
    "700": "oklch(36.4% .026 212)",
    "800": "oklch(27.4% .024 215)",
    "900": "oklch(21% .022 218)",
    "950": "oklch(14.5% .018 220)",
}


def stylesheet(request: HttpRequest) -> str:
    """Where our own styles are; asked for at run-time, because production names files by hash."""
    return static("giftops/giftops.css")


def script(request: HttpRequest) -> str:
    """Where our own script is."""
    return static("giftops/giftops.js")


def favicon(request: HttpRequest) -> str:
    """Where the picture in the browser's tab is."""
    return static("giftops/favicon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "giftops",
    "SITE_HEADER": "giftops",
    "SITE_SUBHEADER": "Back office for gift cards",
    "SITE_SYMBOL": "redeem",
    "SITE_URL": "",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": PRIMARY, "base": BASE},
    "BORDER_RADIUS": "8px",
    "STYLES": [stylesheet],
    "SCRIPTS": [script],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "giftops.menu.navigation",
    },
    "GLOBAL_CALLBACK": "orders.admin.everywhere.context",
    "DASHBOARD_CALLBACK": "orders.admin.start.dashboard",
}
