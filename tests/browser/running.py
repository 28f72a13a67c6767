"""The product as a user starts it, and a page of it as a user looks at it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

PROJECT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
PATIENCE_S = 120.0

# On a deep link Streamlit's own page first asks beside the page whether the server is there, finds
# nothing, and goes on at the root: `/cases/_stcore/health` answers 404 by design.
_STREAMLIT_PROBE = re.compile(r"^/[^/]+/_stcore/(health|host-config)$")

_SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return !!app
    && app.dataset.testScriptState === 'notRunning'
    && app.dataset.testConnectionState === 'CONNECTED'
    && !!document.querySelector('[data-testid="stMain"] h1')
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')
    && [...document.querySelectorAll('[data-testid="stPlotlyChart"]')]
         .every(chart => chart.querySelector('.main-svg .trace, .main-svg .plot'))
    && [...document.querySelectorAll('[data-testid="stDataFrame"]')]
         .every(table => table.querySelector('canvas'));
}"""


_IS_DARK = """getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor
  .match(/\\d+/g).slice(0, 3).every(part => Number(part) < 64)"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def children_of(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in told.splitlines()]
    found: list[int] = []
    wanted = [pid]
    while wanted:
        parent = wanted.pop()
        mine = [child for child, its_parent in parents if its_parent == parent]
        found += mine
        wanted += mine
    return found


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Command:
    """A partner-dashboard command in a process of its own, and what it says."""

    def __init__(self, *arguments: str, environment: Mapping[str, str]) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.cli", *arguments],
            cwd=PROJECT,
            env={**kept, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._said: Queue[str] = Queue()
        self.told: list[str] = []
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(line)

    def _close(self) -> None:
        self._listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for_line(self, sign: str) -> str:
        """The first line with ``sign`` in it; fails where the process ends or says nothing."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                line = self._said.get(timeout=0.2)
            except Empty:
                assert self.process.poll() is None, f"it ended: {''.join(self.told)}"
                continue
            self.told.append(line)
            if sign in line:
                return line
        raise AssertionError(f"no {sign!r} in {''.join(self.told)!r}")

    def kill(self) -> None:
        """End it as the machine's failure would: at once."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> None:
        """End it as Ctrl-C does; nothing may stay behind."""
        started = children_of(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            for pid in (self.process.pid, *started):
                if is_running(pid):
                    os.kill(pid, signal.SIGKILL)
            raise
        finally:
            self._close()
        assert code == 0, f"exit code {code}"
        left = [pid for pid in started if is_running(pid)]
        assert not left, f"still running: {left}"


@contextmanager
def product(folder: Path, *, sandbox_port: int | None = None, **environment: str) -> Iterator[str]:
    """The product with its own sandbox, from its greeting on until Ctrl-C; gives its address.

    In the sandbox nothing happens by itself, so that what a test sees is its own doing.
    """
    port = free_port()
    command = Command(
        "serve",
        "--port",
        str(port),
        "--sandbox-port",
        str(sandbox_port or free_port()),
        "--sandbox-speed",
        "0",
        environment={"PARTNER_DASHBOARD_DATA": str(folder), **environment},
    )
    try:
        command.wait_for_line("Partner dashboard (")
        yield f"http://localhost:{port}"
    finally:
        command.stop()


def wait_until_ready(url: str) -> None:
    """Until the first sync is through."""
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client() as client:
        while client.get(f"{url}/readyz").status_code != httpx.codes.OK:
            assert time.monotonic() < deadline, client.get(f"{url}/readyz").text
            time.sleep(0.1)


@dataclass
class Reader:
    """Somebody looking at the product; notes everything that goes wrong meanwhile."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        self.page.on("request", self._note_origin)
        self.page.on("requestfailed", self._note_failed)
        self.page.on("response", self._note_refused)

    def open(self, address: str = "") -> None:
        """Go to a page of the product and wait until it is drawn."""
        self.page.goto(f"{self.url}/{address}", wait_until="commit")
        self.settle()

    def prefer(self, scheme: Literal["light", "dark"]) -> None:
        """Ask for light or dark, and wait until the page has followed."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function(_IS_DARK if scheme == "dark" else f"!({_IS_DARK})")
        self.settle()

    def settle(self) -> None:
        """Wait until the app is idle, with every chart and table drawn, for two looks in a row."""
        self.page.wait_for_function(_SETTLED)
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        self.page.wait_for_function(_SETTLED)

    def keyed(self, key: str) -> Locator:
        """The element that the product gave ``key``."""
        return self.page.locator(f".st-key-{key}")

    def cells(self, table: int = -1) -> list[list[str]]:
        """The rows of a table that are drawn, as screen readers get them."""
        grid = self.page.locator('[data-testid="stDataFrame"]').nth(table)
        grid.locator("[role=gridcell]").first.wait_for(state="attached")
        rows: list[list[str]] = grid.locator("[role=row]").evaluate_all(
            "rows => rows.map(row => "
            "[...row.querySelectorAll('[role=gridcell]')].map(cell => cell.textContent))"
        )
        return [row for row in rows if row]

    def wait_for_other_cells(self, before: list[list[str]]) -> None:
        """Wait until the last table shows something else than ``before``."""
        deadline = time.monotonic() + PATIENCE_S / 2
        while self.cells() == before:
            assert time.monotonic() < deadline, "the table stayed as it was"
            self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")

    def total(self, what: str) -> int:
        """How many rows the list says that it has."""
        told = self.page.get_by_text(re.compile(rf"^[\d,]+ {what}$")).last.inner_text()
        return int(told.split()[0].replace(",", ""))

    def expect_total(self, what: str, number: int) -> None:
        """Wait until the list says that it has so many rows."""
        expect(self.page.get_by_text(re.compile(rf"^{number:,} {what}$")).last).to_be_visible()

    def take_picture(self, name: str) -> None:
        """A picture of the page in its whole length, which scrolls inside of the window."""
        size = self.page.viewport_size
        assert size is not None
        length: int = self.page.evaluate(
            "() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight"
        )
        SCREENSHOTS.mkdir(exist_ok=True)
        if length > size["height"]:
            self.page.set_viewport_size({"width": size["width"], "height": min(length, 8000)})
            self.settle()
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.page.set_viewport_size(size)

    def look_for_alarms(self) -> None:
        """Note what the page itself says went wrong, and what does not fit its width."""
        for kind in ("stException", "stAlertContentError"):
            for alarm in self.page.get_by_test_id(kind).all():
                self.wrong.append(f"{kind}: {alarm.inner_text()}")
        overflow: dict[str, list[int]] = self.page.evaluate(
            """() => Object.fromEntries([
              ['document', document.documentElement],
              ['main', document.querySelector('[data-testid="stMain"]')],
            ].map(([name, part]) => [name, [part.scrollWidth, part.clientWidth]]))"""
        )
        self.wrong += [
            f"the {name} is {content} px wide in {room} px"
            for name, (content, room) in overflow.items()
            if content > room
        ]

    def _is_probe(self, url: str) -> bool:
        return bool(_STREAMLIT_PROBE.match(urlsplit(url).path)) and url.startswith(self.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self._is_probe(message.location.get("url", "")):
            self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def _note_origin(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        if parts.netloc != urlsplit(self.url).netloc:
            self.wrong.append(f"asked elsewhere: {request.url}")

    def _note_failed(self, request: Request) -> None:
        # What was under way when the reader went on is given up by the browser itself.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url} ({request.failure})")

    def _note_refused(self, response: Response) -> None:
        expected = response.status == httpx.codes.NOT_FOUND and self._is_probe(response.url)
        if response.status >= httpx.codes.BAD_REQUEST and not expected:
            self.wrong.append(f"{response.status}: {response.url}")
