"""What the runs come to: medians, ratios, and what is not good enough."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.sync.contest import FLOOR, FLOOR_BY_SIX, OURS, PEER, Run, Runs

MOST_TIMES_THE_FLOOR = 2.0
LEAST_TIMES_THE_PEER = 5.0


@dataclass(frozen=True)
class Verdict:
    """Ratios of the median wall seconds; ``peer_to_ours`` is None without the peer.

    ``faults`` are sentences on what is not good enough.
    """

    medians: Mapping[str, float]
    ours_to_floor: float
    ours_to_floor_by_six: float
    peer_to_ours: float | None
    peak_mb: float
    faults: list[str]


def judge(runs: Runs, totals: Mapping[str, int], most_mb: float) -> Verdict:
    medians = {
        name: median(run.outcome.effort.seconds for run in each) for name, each in runs.items()
    }
    ours = medians[OURS.name]
    to_floor = ours / medians[FLOOR.name]
    to_ours = medians[PEER] / ours if PEER in medians else None
    peak_mb = max(_peak_mb(run) for run in runs[OURS.name])
    faults = list(_incomplete(runs, totals))
    if to_floor > MOST_TIMES_THE_FLOOR:
        faults.append(f"Ours takes more than {MOST_TIMES_THE_FLOOR:g} times the floor.")
    if to_ours is not None and to_ours < LEAST_TIMES_THE_PEER:
        faults.append(f"Ours is less than {LEAST_TIMES_THE_PEER:g} times as fast as {PEER}.")
    if peak_mb > most_mb:
        faults.append(f"Ours takes more than {most_mb:g} MB.")
    to_floor_by_six = ours / medians[FLOOR_BY_SIX.name]
    return Verdict(medians, to_floor, to_floor_by_six, to_ours, peak_mb, faults)


def _peak_mb(run: Run) -> float:
    """The refresh comes last, so its peak is that of the whole process."""
    return (run.outcome.refresh or run.outcome.effort).peak_mb


def _incomplete(runs: Runs, totals: Mapping[str, int]) -> Iterable[str]:
    for name in sorted(runs.keys() & {OURS.name, PEER}):
        for run in runs[name]:
            if run.outcome.rows != totals:
                yield f"{name} stored {run.outcome.rows}, but there are {totals}."
