"""All processes with a key share one count of its use, which outlives them."""

import json
import stat
import subprocess
import sys
import tempfile
import time as real_time
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from wire_fakes import CLIENT, FakeTime, referral, reply

from services.debitura import Clock, DebituraError, RateLimited, RateLimiter, RateLimits
from services.debitura.usage import UsageFile
from services.settings import Settings
from services.wiring import open_api

DAY_S = 86_400
EPOCH = 20_000 * DAY_S  # so that a bucket begins where FakeTime counts a whole one


def clock_of(time: FakeTime, ahead_s: float = 0) -> Clock:
    return replace(time.clock(), wall=lambda: EPOCH + time.now + ahead_s)


def process(path: Path, time: FakeTime, ahead_s: float = 0, **limits: int) -> RateLimiter:
    """A limiter as another process, or the same after a restart, would make it."""
    clock = clock_of(time, ahead_s)
    return RateLimiter(RateLimits(**limits), clock=clock, shared=UsageFile(path, clock=clock))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite-requests.json"


def test_processes_share_the_ceilings(path: Path) -> None:
    time = FakeTime()
    one, other = process(path, time, per_minute=2), process(path, time, per_minute=2)
    assert [one.take(0), other.take(0)] == [0, 0]
    assert one.take(0) == other.take(0) == 61
    assert one.take(61) == 0
    assert time.slept == [61]


@pytest.mark.parametrize(
    ("window", "seconds", "bucket_s"),
    [("per_minute", 60, 1), ("per_hour", 3_600, 60), ("per_day", DAY_S, 1_440)],
)
def test_a_request_counts_until_its_bucket_has_left_the_window(
    path: Path, window: str, seconds: int, bucket_s: int
) -> None:
    time = FakeTime(now=0)
    time.now += bucket_s * 0.75
    assert process(path, time, **{window: 1}).take(0) == 0
    time.now += seconds
    assert process(path, time, **{window: 1}).take(0) == pytest.approx(bucket_s * 0.25)
    time.now += bucket_s * 0.25
    assert process(path, time, **{window: 1}).take(0) == 0


def test_a_restart_forgets_neither_use_nor_pause(path: Path) -> None:
    time = FakeTime()
    first = process(path, time, per_day=3)
    assert [first.take(0) for _ in range(3)] == [0, 0, 0]
    time.now += 3_600
    assert process(path, time, per_day=3).take(0) > DAY_S - 3_600 - 1
    first.pause(900)
    time.now += 300
    assert process(path, time).take(0) == pytest.approx(600)
    assert process(path, time).take(600) == 0


def test_a_429_holds_the_other_processes_back(path: Path) -> None:
    time = FakeTime()
    told, wire = referral(reply(429, {"retryAfter": 900}), time=time, limiter=process(path, time))
    other, other_wire = referral(reply(200, CLIENT), time=time, limiter=process(path, time))
    with pytest.raises(RateLimited):
        told.me()
    with pytest.raises(RateLimited) as raised:
        other.client("acme")
    assert raised.value.retry_after == pytest.approx(900)
    time.now += 900
    other.client("acme")
    assert (len(wire.requests), len(other_wire.requests)) == (1, 1)


def test_a_shorter_pause_does_not_end_a_longer_one(path: Path) -> None:
    time = FakeTime()
    process(path, time).pause(600)
    process(path, time).pause(5)
    assert process(path, time).take(0) == pytest.approx(600)


@examples(max_examples=30)
@given(st.lists(st.floats(0, 40), min_size=5, max_size=40))
def test_no_minute_ever_holds_more_than_its_ceiling(gaps: list[float]) -> None:
    time = FakeTime()
    allowed = []
    with tempfile.TemporaryDirectory() as folder:
        for gap in gaps:
            time.now += gap
            if process(Path(folder) / "used.json", time, per_minute=3).take(0) == 0:
                allowed.append(time.now)
    assert all(late - early >= 60 for early, late in zip(allowed, allowed[3:], strict=False))
    assert len(allowed) >= 3


def test_a_clock_set_back_blocks_no_longer_than_the_window(path: Path) -> None:
    time = FakeTime()
    ahead = process(path, time, ahead_s=400 * DAY_S, per_minute=1)
    assert ahead.take(0) == 0
    assert process(path, time, per_minute=1).take(0) == 61
    assert process(path, time, per_day=1).take(0) <= DAY_S + 1_440
    time.now += 61
    assert process(path, time, per_minute=1).take(0) == 0
    ahead.pause(900)
    assert process(path, time).take(0) == 0


def test_a_pause_of_the_future_does_not_hide_a_new_one(path: Path) -> None:
    time = FakeTime()
    process(path, time, ahead_s=DAY_S).pause(900)
    process(path, time).pause(30)
    assert process(path, time).take(0) == pytest.approx(30)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b'{"paused_until": 1e999}',
        b'{"paused_until": "NaN"}',
        b'{"requests": {"60": {"x": 1}}}',
        b'{"requests": {"60": {"1728000999": -5}}}',
        b'{"requests": {"60": [1, 2]}}',
        b"[" * 100_000,
        b'{"paused_until": 1}' + b"x" * 9_000,
    ],
    ids=lambda content: content[:20].decode("latin-1"),
)
def test_a_file_that_cannot_be_read_is_begun_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    time = FakeTime()
    assert process(path, time, per_minute=1).take(0) == 0
    assert process(path, time, per_minute=1).take(0) == 61
    assert json.loads(path.read_bytes())["requests"]["60"] == {str(EPOCH + 1_000): 1}


@pytest.mark.parametrize("number", ["9" * 4_000, "-" + "9" * 4_000, "1e300"])
def test_impossible_numbers_do_no_harm(path: Path, number: str) -> None:
    path.write_text(f'{{"requests": {{"60": {{"{number}": 1}}}}}}')
    time = FakeTime()
    assert process(path, time, per_minute=2).take(0) == 0


@pytest.mark.parametrize("in_the_way", ["", ".lock"])
def test_without_the_file_each_process_counts_for_itself(
    path: Path, in_the_way: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path(f"{path}{in_the_way}").mkdir()
    time = FakeTime()
    one, other = process(path, time, per_minute=1), process(path, time, per_minute=1)
    assert [one.take(0), other.take(0)] == [0, 0]
    assert one.take(0) == 60
    one.pause(90)
    assert one.take(0) == 90
    assert "counted in this process alone" in caplog.text


def test_a_failing_file_is_left_alone_for_a_while(path: Path) -> None:
    path.mkdir()
    time = FakeTime()
    limiter = process(path, time, per_minute=1)
    assert limiter.take(0) == 0
    path.rmdir()
    time.now += 60
    assert limiter.take(0) == 0
    assert process(path, time, per_minute=1).take(0) == 61


def test_a_lock_that_stays_held_delays_once(path: Path) -> None:
    limiter = process(path, FakeTime())
    with FileLock(f"{path}.lock"):
        began = real_time.monotonic()
        assert [limiter.take(0) for _ in range(20)] == [0] * 20
        assert real_time.monotonic() - began < 5
    assert not path.exists()


def test_no_folder_is_no_error_and_none_is_made(tmp_path: Path) -> None:
    path, time = tmp_path / "later" / "used.json", FakeTime()
    limiter = process(path, time, per_minute=3)
    limiter.pause(1)
    assert limiter.take(1) == 0
    assert not path.parent.exists()
    path.parent.mkdir()
    assert limiter.take(0) == 0
    assert process(path, time, per_minute=1).take(0) == 61


def test_only_its_owner_can_read_it(path: Path) -> None:
    process(path, FakeTime()).take(0)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_the_file_stays_small(path: Path) -> None:
    time = FakeTime()
    limiter = process(path, time)
    for _ in range(300):
        time.now += 700
        assert limiter.take(0) == 0
    for _ in range(1_700):
        time.now += 0.7
        assert limiter.take(0) == 0
    assert path.stat().st_size == 4_096


TAKES_FIFTY = """
import sys
from pathlib import Path
from services.debitura import RateLimiter, RateLimits
from services.debitura.usage import UsageFile
limiter = RateLimiter(RateLimits(per_hour=60), shared=UsageFile(Path(sys.argv[1])))
print(sum(limiter.take(0) == 0 for _ in range(50)))
"""


def test_two_processes_at_once_lose_no_count(path: Path) -> None:
    command = [sys.executable, "-c", TAKES_FIFTY, str(path)]
    root = Path(__file__).parents[3]
    running = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert sum(int(each.communicate(timeout=60)[0]) for each in running) == 60


def settings_of(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, referral_url_override="http://127.0.0.1:9", **more)  # type: ignore[arg-type]


def send_in_vain(settings: Settings) -> None:
    with open_api(settings) as api, pytest.raises(DebituraError):
        api.withdraw_client("acme")
    assert api.requests_sent == 1


def test_the_count_lies_beside_the_store(tmp_path: Path) -> None:
    send_in_vain(settings_of(tmp_path))
    send_in_vain(settings_of(tmp_path))
    kept = json.loads((tmp_path / "sandbox.sqlite-requests.json").read_bytes())
    assert sum(kept["requests"]["86400"].values()) == 2


def test_a_store_not_there_yet_or_in_memory_is_no_hindrance(tmp_path: Path) -> None:
    send_in_vain(settings_of(tmp_path / "later"))
    send_in_vain(settings_of(tmp_path, database_url_override="sqlite:///:memory:"))
    assert list(tmp_path.iterdir()) == []
