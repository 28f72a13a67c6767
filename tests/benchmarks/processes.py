"""Starting the programs that take part, each in a process of its own.

Imports little: a process that is started begins with the peak memory of the one that starts it.
"""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 90.0

Process = subprocess.Popen[bytes]


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module with this very Python."""
    return [sys.executable, "-m", name, *arguments]


@contextmanager
def running(command: list[str], environment: Mapping[str, str]) -> Iterator[Process]:
    """A server that runs while the context lasts."""
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(
    process: Process,
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    patience_s: float = PATIENCE_S,
) -> None:
    """Wait until the server on this port answers 200.

    Raises RuntimeError when its process has ended, TimeoutError when it takes too long.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server of {path} ended with exit code {process.returncode}.")
        if _answers(port, path, headers or {}):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{path} on port {port} does not answer.")


def _answers(port: int, path: str, headers: Mapping[str, str]) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
