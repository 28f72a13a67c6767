"""A gateway before an API that now and then answers as gateways do, and notes when it was asked."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

PAUSE_S = 1
SLOW_S = 1.5


class Fault(StrEnum):
    """What may become of an answer."""

    FAILED = "500 in JSON"
    BAD_GATEWAY = "502 in HTML"
    NO_ANSWER = "connection dropped before the answer"
    HALF_AN_ANSWER = "connection dropped in the middle of the body"
    HALF_A_BODY = "truncated JSON of the right length"
    SLOW = "slow answer"
    TOO_MANY = "429"


Faults = Iterator[Fault | None]
"""What becomes of each answer in turn; None lets it pass."""


def none_at_all() -> Faults:
    while True:
        yield None


def now_and_then(seed: int) -> Faults:
    """Every 13th to 31st answer fails; each way to fail has its turn before one comes again."""
    chance = random.Random(seed)
    while True:
        for fault in chance.sample(list(Fault), len(Fault)):
            yield from [None] * chance.randint(12, 30)
            yield fault


@dataclass
class Front:
    """``arrivals`` and ``paused_at`` (when a 429 was about to be sent) are monotonic seconds.

    ``before_answer`` and ``after_answer`` are told the path and query, and how many requests had
    come.
    """

    upstream: str
    faults: Faults = field(default_factory=none_at_all)
    before_answer: Callable[[str, int], None] = lambda _path, _count: None
    after_answer: Callable[[str, int], None] = lambda _path, _count: None
    asked: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    paused_at: list[float] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(self, path: str) -> tuple[int, Fault | None]:
        """Note a request; tells how many there were, and what becomes of its answer."""
        with self.lock:
            self.arrivals.append(time.monotonic())
            self.asked.append(path)
            fault = next(self.faults)
            if fault is not None:
                self.happened.append(fault)
            return len(self.asked), fault


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed or lose patience leave in the middle."""


@contextmanager
def standing_before(front: Front) -> Iterator[Front]:
    """Serve on a free port of loopback while the context lasts; ``front.url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            count, fault = front.arrived(self.path)
            front.before_answer(self.path, count)
            key = self.headers.get("XApiKey", "")
            answer = api.get(front.upstream + self.path, headers={"XApiKey": key})
            self._answer(fault, answer.status_code, answer.content)
            front.after_answer(self.path, count)

        def _answer(self, fault: Fault | None, status: int, content: bytes) -> None:
            half = content[: len(content) // 2]
            match fault:
                case Fault.FAILED:
                    self._send(500, b'{"error":"Failed","message":"It failed."}')
                case Fault.BAD_GATEWAY:
                    self._send(502, b"<!doctype html><h1>Bad gateway</h1>", "text/html")
                case Fault.NO_ANSWER:
                    self._hang_up()
                case Fault.HALF_AN_ANSWER:
                    self._send(status, half, length=len(content))
                    self._hang_up()
                case Fault.HALF_A_BODY:
                    self._send(status, half)
                case Fault.TOO_MANY:
                    front.paused_at.append(time.monotonic())
                    told = f'{{"error":"TooMany","message":"Wait.","retryAfter":{PAUSE_S}}}'
                    self._send(429, told.encode())
                case Fault.SLOW:
                    time.sleep(SLOW_S)
                    self._send(status, content)
                case None:
                    self._send(status, content)

        def _send(
            self,
            status: int,
            content: bytes,
            media_type: str = "application/json",
            length: int | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            self.wfile.write(content)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with httpx.Client(trust_env=False, timeout=30) as api, _Server(("127.0.0.1", 0), Handler) as to:
        front.url = f"http://127.0.0.1:{to.server_address[1]}"
        thread = threading.Thread(target=to.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield front
        finally:
            to.shutdown()
            thread.join()
