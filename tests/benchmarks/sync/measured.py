"""What a contestant is told, and what it tells when it is done."""

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.benchmarks.sync.lists import LISTS

KIB_PER_MB = 1024 if sys.platform.startswith("linux") else 1024 * 1024


@dataclass(frozen=True)
class Task:
    """What to download from where, and the folder that may be written.

    ``totals`` are the rows of each list. ``at_once`` is how many requests the floor has under way.
    """

    url: str
    folder: str
    totals: Mapping[str, int]
    at_once: int = 1


@dataclass(frozen=True)
class Effort:
    """Wall and processor seconds of a stretch of work, and the process's peak memory so far."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Outcome:
    """What a contestant did; ``rows`` are those it stored, none where it stores nothing.

    ``refresh`` is a second pass over the unchanged source.
    """

    effort: Effort
    rows: Mapping[str, int] = field(default_factory=dict)
    requests: int | None = None
    refresh: Effort | None = None
    refresh_requests: int | None = None


class Watch:
    """Runs from its making; made after the imports, so that those do not count."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Effort:
        return Effort(
            time.perf_counter() - self._wall, time.process_time() - self._cpu, peak_memory_mb()
        )


def peak_memory_mb() -> float:
    """The peak of this process, which is never below that of the process that started it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB


def task() -> Task:
    """The task on the command line."""
    return Task(**json.loads(sys.argv[1]))


def tell(outcome: Outcome) -> None:
    """The outcome as the last line of the output."""
    print(json.dumps(asdict(outcome)))  # noqa: T201


def stored_rows(database: Path) -> dict[str, int]:
    """How many rows of each list a SQLite file holds."""
    with closing(sqlite3.connect(database)) as store:
        return {
            each.name: store.execute(f"SELECT COUNT(*) FROM {each.name}").fetchone()[0]
            for each in LISTS
        }
