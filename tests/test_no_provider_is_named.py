"""A provider's name stands in its own folders, the registry and the demo, and nowhere else.

So the next provider needs no change in any page, service, job or command.
"""

import re
from pathlib import Path

import pytest

from providers.registry import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("giftops", "providers", "orders", "templates")
AT_HOME = ("providers/sandbox/", "providers/registry.py", "orders/demo/")
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
BETWEEN = r"[\W_]{0,2}"


def names_of(slug: str, label: str) -> re.Pattern[str]:
    """Slug and label, also split or glued: "gift card partners", "GiftCardPartners"."""
    written = {tuple(PARTS.findall(name)) for name in (slug, label)}
    ways = [BETWEEN.join(map(re.escape, parts)) for parts in written]
    return re.compile("|".join(ways), re.IGNORECASE)


def product_files() -> list[str]:
    """Code, templates, scripts and styles, by their path."""
    found = [path for part in PRODUCT for path in (ROOT / part).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts]


def lines_naming(pattern: re.Pattern[str], files: list[str]) -> list[str]:
    found = []
    for name in files:
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        found += [
            f"{name}:{number}: {line.strip()}"
            for number, line in enumerate([name, *text.splitlines()])
            if pattern.search(line)
        ]
    return found


@pytest.mark.parametrize("slug", PROVIDERS)
def test_nothing_else_names_a_provider(slug: str) -> None:
    homes = (*AT_HOME, f"providers/gateways/{slug}/")
    files = [name for name in product_files() if not name.startswith(homes)]

    assert len(files) > 200
    assert lines_naming(names_of(slug, PROVIDERS[slug].label), files) == []


@pytest.mark.parametrize(
    "text",
    [
        "if account.provider == 'shopcards_two':",
        "the ShopCards Two account",
        "shop cards two",
        "SHOP-CARDS-TWO",
        "class ShopCardsTwoForm",
        "data-shopcards-two",
    ],
)
def test_a_name_is_known_however_it_is_written(text: str) -> None:
    assert names_of("shopcards_two", "ShopCards Two").search(text)


def test_other_words_are_no_names() -> None:
    assert not names_of("shopcards_two", "ShopCards Two").search("two shop cards; shop two cards")
