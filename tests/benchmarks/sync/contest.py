"""The contestants, and running them one after the other against one sandbox."""

import http.client
import importlib.util
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.benchmarks.processes import PROJECT, free_port, module, running, wait_for
from tests.benchmarks.sync.lists import HEADERS, LISTS
from tests.benchmarks.sync.measured import Effort, Outcome, Task

PEER = "dlt"
GENERATING_S = 600.0  # a large world takes its time before it answers


@dataclass(frozen=True)
class Contestant:
    """Somebody who downloads it all, as a module that is run in a process of its own."""

    name: str
    module: str
    at_once: int = 1


OURS = Contestant("ours", "tests.benchmarks.sync.ours")
FLOOR = Contestant("floor", "tests.benchmarks.sync.floor")
FLOOR_BY_SIX = Contestant("floor, by six", "tests.benchmarks.sync.floor", at_once=6)
DLT = Contestant(PEER, "tests.benchmarks.sync.peer")


@dataclass(frozen=True)
class Run:
    """One run of a contestant; ``process_seconds`` include its start and its imports."""

    outcome: Outcome
    process_seconds: float
    load: float


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is running, and how many rows each of its lists has."""

    url: str
    totals: Mapping[str, int]


Runs = dict[str, list[Run]]


def contestants() -> list[Contestant]:
    """Everybody who can take part here; dlt only where it is installed."""
    peer = [DLT] if importlib.util.find_spec("dlt") else []
    return [FLOOR, FLOOR_BY_SIX, OURS, *peer]


@contextmanager
def sandbox(sizes: Mapping[str, int]) -> Iterator[Sandbox]:
    """A sandbox of this size in a process of its own, its lists sorted once before they count."""
    port = free_port()
    options = json.dumps({"port": port, **sizes})
    with running(module("tests.benchmarks.sync.sandbox", options), os.environ) as process:
        wait_for(process, port, "/referral/me", HEADERS, patience_s=GENERATING_S)
        yield Sandbox(f"http://127.0.0.1:{port}/referral", _totals(port))


def compete(source: Sandbox, rounds: int, on_run: Callable[[str, Run], None]) -> Runs:
    """So many rounds of everybody, every other one in the opposite order."""
    order = contestants()
    runs: Runs = {each.name: [] for each in order}
    for number in range(rounds):
        for each in order[::-1] if number % 2 else order:
            run = _run(each, source)
            runs[each.name].append(run)
            on_run(each.name, run)
    return runs


def as_json(runs: Runs) -> dict[str, Any]:
    return {name: [asdict(run) for run in each] for name, each in runs.items()}


def _run(contestant: Contestant, source: Sandbox) -> Run:
    """Raises RuntimeError with what the contestant wrote when it failed."""
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as folder:
        task = Task(source.url, folder, source.totals, contestant.at_once)
        load, started = os.getloadavg()[0], time.perf_counter()
        ran = subprocess.run(
            module(contestant.module, json.dumps(asdict(task))),
            cwd=PROJECT,
            env=_environment(Path(folder)),
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - started
    if ran.returncode:
        raise RuntimeError(f"{contestant.name} failed:\n{ran.stdout}{ran.stderr}")
    return Run(_outcome(ran.stdout.splitlines()[-1]), took, load)


def _outcome(line: str) -> Outcome:
    told = json.loads(line)
    efforts = {name: Effort(**told[name]) for name in ("effort", "refresh") if told[name]}
    return Outcome(**{**told, **efforts})


def _environment(folder: Path) -> dict[str, str]:
    """Ours without settings and proxies, and dlt's: nothing is sent away, all files in the folder.

    dlt would otherwise read and write ``~/.dlt`` and the project's folder.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_PROXY")
        and not name.startswith(("DEBITURA_", "DATABASE_URL", "PARTNER_DASHBOARD_"))
    }
    places = dict.fromkeys(("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"), str(folder))
    return {**kept, **places, "RUNTIME__DLTHUB_TELEMETRY": "false"}


def _totals(port: int) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    totals = {}
    for each in LISTS:
        path = f"/referral{each.path}?{urlencode(each.query(1))}"
        connection.request("GET", path, headers=HEADERS)
        totals[each.name] = json.loads(connection.getresponse().read())["page"]["totalResults"]
    connection.close()
    return totals
