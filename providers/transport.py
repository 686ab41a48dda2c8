"""The seam for tests and the simulation: what carries the requests of an account."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from requests.adapters import BaseAdapter

from providers.models import ProviderAccount

Factory = Callable[[ProviderAccount], BaseAdapter | None]

_factory: Factory | None = None


@contextmanager
def use_transport(factory: Factory) -> Iterator[None]:
    """Inside the block `factory(account)` carries the requests; None means the real network."""
    global _factory
    previous, _factory = _factory, factory
    try:
        yield
    finally:
        _factory = previous


def transport_for(account: ProviderAccount) -> BaseAdapter | None:
    """What carries this account's requests; None for the real network."""
    return _factory(account) if _factory else None
