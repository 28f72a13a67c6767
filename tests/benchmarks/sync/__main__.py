"""How long a first sync takes, against a bare download and against dlt.

    python -m tests.benchmarks sync [--rounds 3] [--large] [--clients 2000] …

All read the same three lists from one sandbox over HTTP, one after the other, each run in a fresh
process with a fresh SQLite file. Wall seconds run from after the imports until the data is
committed; ``process`` is the whole process, MB its peak memory. Ours is judged by its ratios to
the floor (one request at a time) and to dlt, and by its memory: the exit code is 1 where one of
them is not good enough.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.benchmarks.keeping import keep
from tests.benchmarks.sync.contest import PEER, Run, Runs, as_json, compete, sandbox
from tests.benchmarks.sync.measured import Effort, peak_memory_mb
from tests.benchmarks.sync.verdict import Verdict, judge

SIZES = {"clients": 2_000, "cases": 10_000, "transactions": 20_000}
LARGE = 10
MOST_MB, MOST_MB_LARGE = 300.0, 500.0

screen = Console()


def main() -> int:
    options = _options()
    sizes = {
        name: getattr(options, name) or size * (LARGE if options.large else 1)
        for name, size in SIZES.items()
    }
    load_before = os.getloadavg()
    with sandbox(sizes) as source:
        _say(f"{', '.join(f'{rows:,} {name}' for name, rows in source.totals.items())}")
        runs = compete(source, options.rounds, _say_run)
    load_after = os.getloadavg()
    verdict = judge(runs, source.totals, MOST_MB_LARGE if options.large else MOST_MB)
    _tell(runs, verdict)
    _say(
        f"{os.cpu_count()} processors, load {load_before[0]:.1f} before, {load_after[0]:.1f} after"
    )
    file = keep(
        "sync",
        {
            "rows": source.totals,
            "load_before": load_before,
            "versions": {name: version(name) for name in ("httpx", "sqlalchemy", *_peer(runs))},
            "starter_peak_mb": peak_memory_mb(),
            "runs": as_json(runs),
            "verdict": asdict(verdict),
        },
    )
    _say(f"Written to {file}")
    return 1 if verdict.faults else 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m tests.benchmarks sync",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--rounds", type=int, default=3, help="runs of each contestant")
    options.add_argument("--large", action="store_true", help=f"{LARGE} times as many rows")
    for name, size in SIZES.items():
        options.add_argument(f"--{name}", type=int, help=f"{size:,} unless told")
    return options.parse_args()


def _tell(runs: Runs, verdict: Verdict) -> None:
    table = Table("", "wall s", "process", "cpu s", "MB", "requests", title="Medians")
    for name, each in runs.items():
        efforts = [run.outcome.effort for run in each]
        table.add_row(*_row(name, each, efforts, each[0].outcome.requests))
        refreshes = [run.outcome.refresh for run in each if run.outcome.refresh]
        if refreshes:
            table.add_row(
                *_row(f"{name}, refresh", [], refreshes, each[0].outcome.refresh_requests)
            )
    screen.print(table)
    _say(f"Ours to the floor: {verdict.ours_to_floor:.2f}")
    _say(f"Ours to the floor by six: {verdict.ours_to_floor_by_six:.2f}")
    if verdict.peer_to_ours is None:
        _say(f"{PEER} is not installed, so it was left out; `make bench` installs it.")
    else:
        _say(f"{PEER} to ours: {verdict.peer_to_ours:.2f}")
    for fault in verdict.faults:
        _say(fault)


def _row(
    name: str, runs: Sequence[Run], efforts: Sequence[Effort], requests: int | None
) -> list[str]:
    seconds = [effort.seconds for effort in efforts]
    return [
        name,
        f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})",
        f"{median(run.process_seconds for run in runs):.1f}" if runs else "",
        f"{median(effort.cpu_seconds for effort in efforts):.1f}",
        f"{median(effort.peak_mb for effort in efforts):.0f}",
        "" if requests is None else f"{requests:,}",
    ]


def _say_run(name: str, run: Run) -> None:
    outcome = run.outcome
    refresh = f", refresh {_brief(outcome.refresh)}" if outcome.refresh else ""
    _say(
        f"{name}: {_brief(outcome.effort)}{refresh}, "
        f"whole process {run.process_seconds:.1f} s, load {run.load:.1f}"
    )


def _brief(effort: Effort) -> str:
    return f"{effort.seconds:.2f} s ({effort.cpu_seconds:.1f} s processor, {effort.peak_mb:.0f} MB)"


def _say(sentence: str) -> None:
    screen.print(sentence, highlight=False, soft_wrap=True)


def _peer(runs: Runs) -> list[str]:
    return [PEER] if PEER in runs else []


if __name__ == "__main__":
    sys.exit(main())
