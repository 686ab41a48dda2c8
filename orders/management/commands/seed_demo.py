"""Fill an installation for trying out with demo people, simulated accounts and a few orders."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orders.demo import programs
from orders.demo.account import mirror, seed_accounts, seed_rules
from orders.demo.issuing_stories import AT_ISSUER
from orders.demo.people import seed_people
from orders.demo.simulator import Simulator
from orders.demo.stories import OF_BATCHES
from orders.demo.telling import tell
from orders.demo.telling_issued import tell_issued
from orders.models import Batch, Reservation
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount


class Command(BaseCommand):
    help = (
        "Make the demo people, the simulated accounts and, at each without any, a few orders or "
        "cards of our own in various states. Needs DEBUG and the simulated providers (`make run` "
        "starts them)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo data is made only where DEBUG is on.")
        port = settings.SANDBOX_PORT
        if not programs.answers(port, "/healthz"):
            raise CommandError(f"No simulated provider answers at port {port}: start `make run`.")
        seed_people()
        url = f"http://127.0.0.1:{port}"
        accounts = seed_accounts(url)
        seed_rules(accounts)
        try:
            for account in accounts:
                self.stdout.write(mirror(account))
        except ProviderError as error:
            raise CommandError(str(error)) from None
        for account in accounts:
            self._tell_stories_of(account, Simulator(url, account.provider))

    def _tell_stories_of(self, account: ProviderAccount, simulator: Simulator) -> None:
        kept = Batch.objects.filter(account=account), Reservation.objects.filter(account=account)
        if any(rows.exists() for rows in kept):
            self.stdout.write(f"{account}: there are orders already; none were added.")
            return
        for story in OF_BATCHES:
            if story.wanted.provider == account.provider:
                batch = tell(story, account, simulator)
                self.stdout.write(f"{batch}: {story.title}")
        for issued in AT_ISSUER:
            if issued.wanted.provider == account.provider:
                self.stdout.write(f"{tell_issued(issued, account)}: {issued.title}")
