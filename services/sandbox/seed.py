"""Generation of a whole world out of a seed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random

from services.sandbox.model import WorldState
from services.sandbox.options import SandboxOptions
from services.sandbox.seed_cases import PAYING_SHARE, CaseSeeder
from services.sandbox.seed_clients import (
    moment,
    seed_accounts,
    seed_agencies,
    seed_clients,
    seed_link_requests,
)
from services.sandbox.seed_transactions import seed_transactions


def generate(options: SandboxOptions) -> WorldState:
    """A consistent world of the asked-for size, the same for the same seed, sizes and day.

    Raises ValueError when cases are asked for without clients, or transactions without cases.
    """
    if (options.transactions and not options.cases) or (options.cases and not options.clients):
        raise ValueError("transactions need cases, and cases need clients")
    today = options.today or datetime.now(UTC).date()
    random = Random(options.seed)
    with _collector_paused():
        state = WorldState(seed=options.seed, today=today, agencies=seed_agencies(random))
        state.clients, may_have_cases = seed_clients(random, options.clients, today, state.agencies)
        seeder = CaseSeeder(
            random,
            today,
            clients=state.clients,
            may_have_cases=may_have_cases,
            agencies=state.agencies,
        )
        paying = min(options.transactions, round(PAYING_SHARE * options.cases) or 1)
        made = seeder.make(options.cases, min(paying, options.cases))
        state.cases = [case for case, _ in made]
        state.transactions = seed_transactions(
            random,
            made,
            {client.tenant_id: client for client in state.clients},
            count=options.transactions,
            until=moment(today, 0),
        )
        state.accounts = seed_accounts(random)
        state.link_requests = seed_link_requests(
            random, today, state.accounts, state.clients, ttl_days=options.link_ttl_days
        )
    return state


@contextmanager
def _collector_paused() -> Iterator[None]:
    # Walking hundreds of thousands of new objects again and again takes a third of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
