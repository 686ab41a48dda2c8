"""giftops-sim: the whole service layer under one seed, with virtual time and a provider that lies.

One seed decides everything: who acts next (workers, sweeper, people at their desks), how long each
call takes, which fault hits it, where a program dies, what the database answers to a COMMIT, and
every random byte. The code under test is the real one: services, queue, ORM, gateway, session. The
provider is the simulated one of `providers.sandbox`, called in-process; its ledger is the oracle.

    time        one virtual clock for us, the database and the provider
    scheduler   actors as coroutines; they change places only where no transaction is open
    database    SQLite in memory, restored from a template for every seed; commits can be lost
    doorbell    a broker that loses, doubles and reorders
    transport   from `requests` to the simulated provider and back, with everything in between
    faults      which faults a seed knows, and how often
    crashes     the twelve crash points, and which of them a step dies at
    oracle      what really happened over there
    checks      what must be true after every step, and in the end
    sends       what may be sent a second time, by each provider's own rule
    steps       every change of state of what is issued, as the database saw it
    courier     webhooks on their way to our door: lost, doubled, late, forged
    operations  what people and provider do: one plug-in per operation, each with an account, a
                provider and an oracle of its own
    world       one seed from the first step to quiescence

A seed is about one of those that sell, one in four about all operations at once; the issuer has
seeds of its own. Run one seed: `python -m tests.simulation --seed 7 -v`; it prints the same log
every time. `--only ncentiva` has it be about that provider.
"""
