"""Keeping the processes of ``serve`` alive together, and ending them together."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 30.0
STEADY_AFTER_S = 60.0
GRACE_S = 8.0
LOOK_EVERY_S = 0.2
PARENT_PIPE = "PARTNER_DASHBOARD_PARENT_PIPE"


@dataclass
class Child:
    """A process that is started again when it dies."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S
    restart_at: float | None = field(default=None)


class Supervisor:
    """Runs children until stopped; also when this process is killed, none of them stays behind."""

    def __init__(self, *, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._children: list[Child] = []
        self.stopping = threading.Event()
        # Children hold the reading end and leave when it closes, however we ended.
        self._pipe_read, self._pipe_write = os.pipe()

    def start(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        self._children.append(child)
        self._launch(child)

    def stop_on_signals(self) -> None:
        """Let Ctrl-C and SIGTERM end everything."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stopping.set())

    def watch(self) -> None:
        """Restart what dies, until told to stop; then end everything."""
        try:
            while not self.stopping.wait(LOOK_EVERY_S):
                self.look()
        finally:
            self.end()

    def look(self) -> None:
        """One round: note what died, and start again what has waited long enough."""
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._note_death(child, now)
            elif child.restart_at is not None and now >= child.restart_at:
                self._launch(child)

    def end(self) -> None:
        """Ask every child to leave, and kill those that have not after some seconds."""
        running = [c.process for c in self._children if c.process and c.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace_s
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _launch(self, child: Child) -> None:
        child.process = subprocess.Popen(
            list(child.command),
            env={**child.environment, PARENT_PIPE: str(self._pipe_read)},
            cwd=child.folder,
            pass_fds=(self._pipe_read,),
            # Ctrl-C in the terminal is for us alone: we end the children in order.
            start_new_session=True,
        )
        child.started_at, child.restart_at = time.monotonic(), None

    def _note_death(self, child: Child, now: float) -> None:
        code = child.process.returncode if child.process else None
        if now - child.started_at > STEADY_AFTER_S:
            child.backoff_s = FIRST_BACKOFF_S
        log.warning(
            "The %s ended (code %s) and starts again in %.0f s.", child.name, code, child.backoff_s
        )
        child.process, child.restart_at = None, now + child.backoff_s
        child.backoff_s = min(child.backoff_s * 2, LONGEST_BACKOFF_S)


def leave_with_parent() -> None:
    """In a child: end as on SIGTERM when the supervisor is gone. Without one, do nothing."""
    descriptor = os.environ.get(PARENT_PIPE)
    if descriptor is None:
        return

    def wait_for_end() -> None:
        os.read(int(descriptor), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, daemon=True, name="leave-with-parent").start()
