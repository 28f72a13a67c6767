"""Ours: the product's sync into a fresh SQLite store, then again with nothing new to find."""

from pathlib import Path

from services.debitura import RateLimits, ReferralPartnerApi
from services.store import Store
from services.sync.passes import Sync
from tests.benchmarks.sync.lists import API_KEY
from tests.benchmarks.sync.measured import Outcome, Task, Watch, stored_rows, task, tell

# So many that none is ever held back.
NO_LIMITS = RateLimits(per_minute=10**9, per_hour=10**9, per_day=10**9)


def measure(wanted: Task) -> Outcome:
    """The first pass with the making of the store, and a refresh in the same process."""
    file = Path(wanted.folder) / "ours.sqlite"
    watch = Watch()
    store = Store.open(f"sqlite:///{file}", "sandbox")
    with ReferralPartnerApi(wanted.url, API_KEY, limits=NO_LIMITS) as api:
        sync = Sync(store, api)
        requests = run_pass(sync)
        effort, rows = watch.read(), stored_rows(file)
        watch = Watch()
        refresh_requests = run_pass(sync)
        refresh = watch.read()
    store.close()
    return Outcome(effort, rows, requests, refresh, refresh_requests)


def run_pass(sync: Sync) -> int:
    """One pass as the worker runs it; returns its requests.

    Raises RuntimeError when it is not true to the source.
    """
    report = sync.run()
    if not report.is_true:
        raise RuntimeError(f"The pass failed: {[scope.error for scope in report.scopes]}")
    return report.requests


if __name__ == "__main__":
    tell(measure(task()))
