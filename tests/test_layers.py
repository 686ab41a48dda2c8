"""Who may call whom, read from the imports themselves: `docs` may lie, these cannot."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("giftops", "providers", "orders")
PROVIDERS = {path.parent.name for path in (ROOT / "providers/gateways").glob("*/__init__.py")}
HTTP = ("requests", "urllib3", "http.client", "urllib.request", "httpx")


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name, and the file that imports it."""

    file: str
    line: int
    name: str

    def is_of(self, *packages: str) -> bool:
        return any(self.name == p or self.name.startswith(f"{p}.") for p in packages)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"


def imports_of(text: str, file: str) -> Iterator[Import]:
    """Read every import of a source text, those inside functions too; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, file)
            for alias in node.names:
                yield Import(file, node.lineno, f"{base}.{alias.name}")


def absolute(node: ast.ImportFrom, file: str) -> str:
    if not node.level:
        return node.module or ""
    package = Path(file).parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def imports_under(folder: str) -> list[Import]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"there is nothing under {folder}"
    return [
        found
        for path in files
        if "__pycache__" not in path.parts
        for found in imports_of(path.read_text(), str(path.relative_to(ROOT)))
    ]


def forbidden(folder: str, *packages: str, but: tuple[str, ...] = ()) -> list[str]:
    return [
        str(found)
        for found in imports_under(folder)
        if found.is_of(*packages) and found.file not in but and not found.is_of(*but)
    ]


def test_the_house_imports_no_app():
    assert (
        forbidden("giftops", "providers", "orders", but=("giftops/settings.py", "giftops/urls.py"))
        == []
    )


def test_providers_know_no_orders():
    assert forbidden("providers", "orders") == []


def test_orders_know_no_http():
    """Beside the demonstration, which waits for our own pages and the simulator to come up."""
    found = forbidden("orders", *HTTP)

    assert [line for line in found if not line.startswith("orders/demo/")] == []


def test_orders_know_no_single_provider():
    packages = [
        f"providers.{room}.{name}" for room in ("gateways", "sandbox") for name in PROVIDERS
    ]

    assert PROVIDERS, "there is no provider"
    assert forbidden("orders", *packages) == []


def test_no_decision_depends_on_a_providers_name():
    """`if provider == "ncentiva"` anywhere but in its own folder and the registry."""
    compared = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if not PROVIDERS & set(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare | ast.MatchValue) and names_a_provider(node)
    ]

    assert compared == []


def names_a_provider(node: ast.AST) -> bool:
    constants = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return any(value in PROVIDERS for value in constants if isinstance(value, str))


def test_gateways_know_no_database():
    database = ("django", "providers.models", "providers.stores", "giftops.models")
    asks_its_clock = [
        p for p in (ROOT / "providers/gateways").rglob("*.py") if "db_now" in p.read_text()
    ]

    assert forbidden("providers/gateways", *database) == []
    assert asks_its_clock == []


def test_gateways_know_no_other_part_of_providers():
    imported = [i for i in imports_under("providers/gateways") if i.is_of("providers")]

    assert [str(i) for i in imported if not i.is_of("providers.gateways")] == []


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_gateway_knows_no_other_gateway(name):
    others = [f"providers.gateways.{other}" for other in PROVIDERS - {name}]

    assert forbidden(f"providers/gateways/{name}", *others) == [] if others else True


def test_the_simulated_providers_share_nothing_with_what_they_test():
    """Only the standard library and themselves: a mistake of ours must not be made twice.

    One of them draws pictures, and needs a library for that.
    """
    drawing = "providers/sandbox/cp_extender/certificate.py"
    foreign = [
        str(found)
        for found in imports_under("providers/sandbox")
        if not found.is_of("providers.sandbox")
        and found.name.partition(".")[0] not in sys.stdlib_module_names
        and not (found.file == drawing and found.is_of("PIL"))
    ]

    assert foreign == []


def test_models_and_decisions_call_no_services():
    services = ("orders.services", "orders.tasks", "orders.admin", "providers.services")

    assert forbidden("orders/models", *services) == []
    assert [
        str(found)
        for found in imports_under("orders")
        if found.file == "orders/decisions.py" and found.is_of(*services, "orders.models", "django")
    ] == []
    assert forbidden("orders/weighing", *services, "orders.models", "giftops.clock", "django") == []


def test_services_know_no_pages():
    assert forbidden("orders/services", "django.contrib.admin", "orders.admin", "unfold") == []


def test_our_own_code_runs_no_data():
    """No pickle, no eval, no unsafe YAML (S47); ruff's S rules say the same."""
    dangerous = [
        name for app in APPS for name in forbidden(app, "pickle", "marshal", "shelve", "yaml")
    ]

    assert dangerous == []


# --- Does the reader of imports see them? ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a.b as c", ["a.b"]),
        ("from a import b, c", ["a.b", "a.c"]),
        ("def f():\n    from a import b", ["a.b"]),
        ("if True:\n    import a", ["a"]),
        ("from . import b", ["x.y.b"]),
        ("from ..z import b", ["x.z.b"]),
        ("try:\n    import a\nexcept ImportError:\n    import b", ["a", "b"]),
    ],
)
def test_imports_are_seen_wherever_they_stand(text, names):
    assert [found.name for found in imports_of(text, "x/y/m.py")] == names


def test_a_package_is_not_confused_with_its_namesakes():
    assert Import("f", 1, "orders.models").is_of("orders")
    assert not Import("f", 1, "orders_old.models").is_of("orders")
