"""The partner-dashboard command as a person runs it: in a process of its own.

Importing the product takes longer than most commands, so processes are forked from one that has
imported it. Each has its own environment, arguments, output and exit code, and runs ``main``.
"""

import atexit
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).parents[1]
PATIENCE_S = 60
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["dashboard.cli"])


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int | None
    out: bytes
    err: str

    def refused_with_one_sentence(self) -> str:
        """The only line on stderr; fails where the command did more, or less, than refuse."""
        assert self.code not in (0, None)
        assert "Traceback" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass(frozen=True)
class Running:
    """A command under way."""

    process: ForkServerProcess
    folder: Path

    def ending(self) -> Ran:
        """Wait for the end of the command."""
        self.process.join(PATIENCE_S)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
        self.process.close()
        out, err = ((self.folder / name).read_bytes() for name in ("out", "err"))
        shutil.rmtree(self.folder)
        return Ran(code, out, err.decode())


def begin(environment: Mapping[str, str], *arguments: str) -> Running:
    """Start the command."""
    folder = Path(tempfile.mkdtemp())
    # For commands that nobody waits for, such as one that was killed.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    process = PROCESSES.Process(target=_command, args=(dict(environment), arguments, str(folder)))
    with _no_main_module():
        process.start()
    return Running(process, folder)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """A new process imports our main module first; after a page's test that would be the app."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def run(environment: Mapping[str, str], *arguments: str) -> Ran:
    """Run the command to its end."""
    return begin(environment, *arguments).ending()


def _command(environment: dict[str, str], arguments: tuple[str, ...], folder: str) -> None:
    for descriptor, name in ((1, "out"), (2, "err")):
        with Path(folder, name).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ |= environment
    sys.argv = ["partner-dashboard", *arguments]
    from dashboard.cli import main  # noqa: PLC0415  (imported already where we are forked from)

    main()
