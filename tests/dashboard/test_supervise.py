"""Children are kept alive together, and none is left behind, however the supervisor ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dashboard.serve import CannotServe, require_free_port
from dashboard.supervise import PARENT_PIPE, Child, Supervisor, leave_with_parent
from tests.command_line import PROJECT

PATIENCE_S = 30.0

# Every child says that it is there by a line in its file.
SAY = (
    "import os, sys\n"
    "with open({file!r}, 'a') as file:\n"
    "    print(os.getpid(), file=file)\n"
)  # fmt: skip
REST = SAY + "import signal; signal.pause()\n"
DIE = SAY + "sys.exit(3)\n"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    + SAY
    + "while True: signal.pause()\n"
)
LOYAL = (
    "import sys; sys.path.insert(0, {project!r})\n"
    "from dashboard.supervise import leave_with_parent; leave_with_parent()\n"
    + SAY
    + "import signal; signal.pause()\n"
)


def until(holds: Callable[[], bool]) -> None:
    """Look again and again until something in another process has happened."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "It did not happen."
        threading.Event().wait(0.01)


def child(code: str, file: Path, *, backoff_s: float = 0.0) -> Child:
    program = code.format(file=str(file), project=str(PROJECT))
    environment: Mapping[str, str] = dict(os.environ)
    command = (sys.executable, "-S", "-c", program)
    return Child(file.stem, command, environment, file.parent, backoff_s=backoff_s)


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked about does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    started = Supervisor(grace_s=1.0)
    yield started
    started.end()


def test_a_child_runs_in_its_folder_with_its_environment(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    code = "import os; from pathlib import Path; Path('told').write_text(os.environ['NAME'])"
    one = child(code, tmp_path / "x")
    one.environment = {**one.environment, "NAME": "value"}
    supervisor.start(one)
    until(lambda: told.exists() and told.read_text() == "value")


def test_a_child_that_dies_is_started_again_and_later_each_time(
    supervisor: Supervisor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "dying"
    dying = child(DIE, file, backoff_s=0.01)
    supervisor.start(dying)

    def started_thrice() -> bool:
        supervisor.look()
        return len(pids(file)) >= 3

    until(started_thrice)
    assert dying.backoff_s >= 0.04
    assert "The dying ended (code 3)" in caplog.text
    assert len(set(pids(file))) == len(pids(file))


def test_a_child_waits_for_its_turn_before_it_is_started_again(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    file = tmp_path / "dying"
    dying = child(DIE, file, backoff_s=3600)
    supervisor.start(dying)

    def noticed() -> bool:
        supervisor.look()
        return dying.process is None

    until(noticed)
    for _ in range(10):
        supervisor.look()
    assert len(pids(file)) == 1
    assert dying.restart_at is not None
    assert dying.restart_at > time.monotonic() + 3000


def test_the_others_go_on_when_one_dies(supervisor: Supervisor, tmp_path: Path) -> None:
    calm, dying = tmp_path / "calm", tmp_path / "dying"
    supervisor.start(child(REST, calm))
    supervisor.start(child(DIE, dying, backoff_s=0.01))

    def started_twice() -> bool:
        supervisor.look()
        return len(pids(dying)) >= 2 and len(pids(calm)) == 1

    until(started_twice)
    assert alive(pids(calm)[0])


def test_all_end_when_told_to_stop(supervisor: Supervisor, tmp_path: Path) -> None:
    files = [tmp_path / f"child-{number}" for number in range(3)]
    for file in files:
        supervisor.start(child(REST, file))
    watching = threading.Thread(target=supervisor.watch)
    watching.start()
    until(lambda: all(pids(file) for file in files))
    supervisor.stopping.set()
    watching.join(PATIENCE_S)
    assert not watching.is_alive()
    assert not any(alive(pid) for file in files for pid in pids(file))


def test_a_child_that_does_not_listen_is_killed_and_the_rest_end_in_order(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    stubborn, calm = tmp_path / "stubborn", tmp_path / "calm"
    deaf = child(STUBBORN, stubborn)
    mild = child(REST, calm)
    for each in (deaf, mild):
        supervisor.start(each)
    until(lambda: bool(pids(stubborn) and pids(calm)))
    supervisor.end()
    assert deaf.process is not None
    assert mild.process is not None
    assert deaf.process.returncode == -signal.SIGKILL
    assert mild.process.returncode == -signal.SIGTERM


def test_no_child_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    files = [tmp_path / "first", tmp_path / "second"]
    programs = [LOYAL.format(file=str(file), project=str(PROJECT)) for file in files]
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from dashboard.supervise import Child, Supervisor\n"
        "supervisor = Supervisor()\n"
        f"for program in {programs!r}:\n"
        "    command = (sys.executable, '-S', '-c', program)\n"
        "    supervisor.start(Child('c', command, dict(os.environ), Path.cwd()))\n"
        "supervisor.watch()\n"
    )
    with subprocess.Popen([sys.executable, "-S", "-c", code], cwd=PROJECT) as running:
        until(lambda: all(pids(file) for file in files))
        children = [pid for file in files for pid in pids(file)]
        assert all(map(alive, children))
        running.kill()
        running.wait()
    until(lambda: not any(map(alive, children)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "child"
    program = REST.format(file=str(file))
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from dashboard.supervise import Child, Supervisor\n"
        "supervisor = Supervisor()\n"
        "supervisor.stop_on_signals()\n"
        f"command = (sys.executable, '-S', '-c', {program!r})\n"
        "supervisor.start(Child('c', command, dict(os.environ), Path.cwd()))\n"
        "supervisor.watch()\n"
    )
    with subprocess.Popen([sys.executable, "-S", "-c", code], cwd=PROJECT) as running:
        until(lambda: bool(pids(file)))
        running.send_signal(number)
        assert running.wait(PATIENCE_S) == 0
    assert not alive(pids(file)[0])


def test_without_a_supervisor_nobody_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARENT_PIPE, raising=False)
    before = threading.active_count()
    leave_with_parent()
    assert threading.active_count() == before


def test_a_port_that_is_taken_is_told_with_the_option_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(CannotServe, match="choose another with --port"):
            require_free_port("127.0.0.1", port, option="--port")
    require_free_port("127.0.0.1", port, option="--port")


@pytest.mark.parametrize("host", ["no such host", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(CannotServe, match=host):
        require_free_port(host, 0, option="--port")
