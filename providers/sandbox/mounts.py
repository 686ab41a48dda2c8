"""All simulated providers behind one address, each under its own prefix; still without a socket."""

from collections.abc import Mapping
from pathlib import Path

from providers.sandbox.clock import Clock
from providers.sandbox.cp_extender import SimulatedCPExtender
from providers.sandbox.exsited import SimulatedExsited
from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners
from providers.sandbox.ncentiva import SimulatedNcentiva
from providers.sandbox.provider import SimulatedProvider
from providers.sandbox.wire import Reply, Request, html_reply, json_reply

PROVIDERS: tuple[type[SimulatedProvider], ...] = (
    SimulatedNcentiva,
    SimulatedGiftCardPartners,
    SimulatedCPExtender,
    SimulatedExsited,
)


class Sandbox:
    """The providers by their slug: `/ncentiva/…` goes to Ncentiva."""

    def __init__(self, providers: Mapping[str, SimulatedProvider]) -> None:
        self.providers = providers

    @classmethod
    def in_directory(
        cls, directory: Path | None, *, clock: Clock | None = None, seed: str | int = "sandbox"
    ) -> "Sandbox":
        """All providers, with one ledger file each in `directory` (None: in memory only)."""
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(
            {
                one.slug: one(
                    directory / f"{one.slug}.sqlite3" if directory else ":memory:",
                    clock=clock,
                    seed=seed,
                )
                for one in PROVIDERS
            }
        )

    def handle(self, request: Request) -> Reply:
        """Answer one request of the whole address."""
        if request.path == "/healthz":
            return json_reply(200, {"status": "ok"})
        if request.path == "/":
            return html_reply(200, self._welcome())
        slug = request.path.removeprefix("/").partition("/")[0]
        if slug in self.providers:
            return self.providers[slug].handle(request.below(f"/{slug}"))
        return json_reply(404, {"error": "No simulated provider has this path.", "see": "/"})

    def shown(self, path: str) -> str:
        """A path of the whole address as a log may have it."""
        slug, slash, rest = path.removeprefix("/").partition("/")
        if slug not in self.providers or not slash:
            return path
        return f"/{slug}{self.providers[slug].shown(f'/{rest}')}"

    def _welcome(self) -> str:
        rows = "".join(
            f"<li><b>{slug}</b>: <code>/{slug}{one.prefix}</code>,"
            f' <a href="/{slug}/_control/state">state</a>,'
            f' <a href="/{slug}/_control/faults">faults</a></li>'
            for slug, one in self.providers.items()
        )
        return (
            "<h1>Simulated gift card providers</h1><p>Nothing here is real: no money, no cards."
            f" The ledgers outlive a restart.</p><ul>{rows}</ul>"
        )

    def close(self) -> None:
        """Close all ledgers."""
        for provider in self.providers.values():
            provider.close()
