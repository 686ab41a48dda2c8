"""A process that asks one account for all it is worth; started by `test_rate_at_arrival`.

Reads from standard input when to stop (seconds from the first line it gets), so that all
processes begin together.
"""

import itertools
import os
import sys
import time

import django

django.setup()

from giftops import clock  # noqa: E402 - after the set-up
from giftops.money import Money  # noqa: E402
from providers import services  # noqa: E402
from providers.gateways.base import OrderRequest, RequestLine  # noqa: E402
from providers.gateways.errors import ProviderError, RateLimited  # noqa: E402
from providers.models import ProviderAccount  # noqa: E402


def buy(account: ProviderAccount, reference: str) -> None:
    """Reserve, wait as long as it takes, send."""
    gateway = services.gateway_for(account)
    line = RequestLine(product_id="1", face_value=Money(100, "USD"), quantity=1)
    slot = gateway.reserve_slot()
    while True:
        time.sleep(max(0.0, (slot.at - clock.db_now()).total_seconds() - 1))
        try:
            gateway.place_order(OrderRequest(reference=reference, lines=(line,)), slot=slot)
        except RateLimited:
            slot = gateway.renew_slot(slot)
        else:
            return


def main() -> None:
    account = ProviderAccount.objects.get()
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() >= end:
            break
        try:
            if number % 4 == 3:
                services.gateway_for(account).get_balance()
            else:
                buy(account, f"P{os.getpid()}-{number}")
        except RateLimited:
            time.sleep(0.2)
        except ProviderError as problem:
            print(f"{type(problem).__name__}: {problem}", flush=True)


if __name__ == "__main__":
    main()
