"""A pass that is killed and begun again: nothing is broken, and little is read twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services.store import Store
from tests.command_line import PATIENCE_S, PROJECT, begin, run
from tests.contract_server import ContractServer, serving
from tests.faulty_front import Front, standing_before
from tests.filling import case, client, transaction
from tests.truth import differing

CASES = 3000
OTHERS = 250
PAGE_SIZE = 100
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def source() -> Iterator[ContractServer]:
    """A server with a long list of cases that nobody changes."""
    with serving(ContractServer()) as server:
        moments = [(FIRST + timedelta(minutes=n)).isoformat() for n in range(CASES)]
        server.cases = [
            case(f"c-{n:05}", lifecycle="Active" if n % 50 == 0 else "Closed", dateCreated=moment)
            for n, moment in enumerate(moments)
        ]
        server.clients = [client(f"t-{n}", dateLinked=moments[n]) for n in range(OTHERS)]
        server.transactions = [transaction(f"p-{n}", date=moments[n]) for n in range(OTHERS)]
        server.coverage = [{"jurisdictionId": 1, "country": "Denmark"}]
        yield server


@pytest.fixture(scope="module")
def unkilled(source: ContractServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The requests of a pass that nobody kills."""
    with before(source) as front:
        told = environment(front, tmp_path_factory.mktemp("unkilled"), source)
        assert run(told, "sync").code == 0
    return front.asked


@contextmanager
def before(source: ContractServer) -> Iterator[Front]:
    with standing_before(Front(source.url)) as front:
        yield front


def environment(front: Front, folder: Path, source: ContractServer) -> dict[str, str]:
    return {
        "DEBITURA_ENVIRONMENT": "test",
        "DEBITURA_API_KEY": source.key,
        "DEBITURA_REFERRAL_URL": front.url,
        "PARTNER_DASHBOARD_DATA": str(folder),
    }


def assert_whole_and_true(folder: Path, source: ContractServer) -> None:
    file = folder / "test.sqlite"
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM scan_windows").fetchone() == (0,)
    store = Store.open(f"sqlite:///{file}", "test")
    assert differing(store, source) == {}
    store.close()


def scan_of_cases(asked: list[str]) -> list[str]:
    """Those requests that read the list of all cases."""
    return [path for path in asked if path.startswith("/cases") and is_unfiltered(path)]


def is_unfiltered(path: str) -> bool:
    return set(parse_qs(urlsplit(path).query)) == {"Page", "PageSize", "Sort"}


def moment_of_kill(seed: int, requests: int) -> int:
    """After how many answers: the first two seeds are the first and the last, others any."""
    return {0: 1, 1: requests}.get(seed) or random.Random(seed).randint(2, requests)


def test_a_pass_killed_at_any_moment_and_begun_again_is_true(
    tmp_path: Path, source: ContractServer, unkilled: list[str], kill_seed: int
) -> None:
    moment = moment_of_kill(kill_seed, len(unkilled))
    reached = threading.Event()

    def watch(_path: str, count: int) -> None:
        if count >= moment:
            reached.set()

    with before(source) as front:
        front.after_answer = watch
        told = environment(front, tmp_path, source)
        running = begin(told, "sync")
        reached.wait(PATIENCE_S)
        running.process.kill()
        assert running.ending().code in {-signal.SIGKILL, 0}
        assert reached.is_set()
        assert run(told, "sync").code == 0
    assert_whole_and_true(tmp_path, source)


def test_a_pass_killed_three_times_is_true_in_the_end(
    tmp_path: Path, source: ContractServer
) -> None:
    with before(source) as front:
        told = environment(front, tmp_path, source)
        for more in (15, 30, 25):
            reached = threading.Event()
            moment = len(front.asked) + more
            front.after_answer = lambda _path, count, moment=moment, reached=reached: (
                reached.set() if count >= moment else None
            )
            running = begin(told, "sync")
            reached.wait(PATIENCE_S)
            running.process.kill()
            running.ending()
        assert run(told, "sync").code == 0
    assert_whole_and_true(tmp_path, source)


def test_the_command_itself_killed_late_in_a_long_list_goes_on_where_it_was(
    tmp_path: Path, source: ContractServer, unkilled: list[str]
) -> None:
    all_of_it = scan_of_cases(unkilled)
    ends = all_of_it[-3:]
    file = tmp_path / "test.sqlite"
    noted, killed = threading.Event(), threading.Event()

    def hold_the_end_back(path: str, _count: int) -> None:
        """Answer for the end of the list no sooner than its beginning was committed."""
        if path in ends and not killed.is_set():
            while not committed(file):
                assert not killed.wait(0.01)
            noted.set()
            killed.wait(PATIENCE_S)

    with before(source) as front:
        told = environment(front, tmp_path, source)
        front.before_answer = hold_the_end_back
        with subprocess.Popen(
            [sys.executable, "-m", "dashboard.cli", "sync"],
            cwd=PROJECT,
            env=os.environ | told,
            stdout=subprocess.DEVNULL,
        ) as process:
            noted.wait(PATIENCE_S)
            process.kill()
        assert noted.is_set()
        assert process.returncode == -signal.SIGKILL
        killed.set()
        before_resuming = len(front.asked)
        assert run(told, "sync").code == 0
        resumed = scan_of_cases(front.asked[before_resuming:])
    assert 0 < len(resumed) < len(all_of_it) / 2
    assert_whole_and_true(tmp_path, source)


def committed(file: Path) -> int:
    """How many windows of a scan the store notes as read."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        try:
            (count,) = database.execute("SELECT count(*) FROM scan_windows").fetchone()
        except sqlite3.OperationalError:
            return 0  # not made yet, or being written
    return int(count)
