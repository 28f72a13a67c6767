"""The only place that does HTTP: key, time-outs, rate limit, retries, errors."""

import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from pydantic import SecretStr

from services.debitura.answers import Answer, error_for, not_the_api, unavailable
from services.debitura.circuit import Circuit
from services.debitura.concurrency import Concurrency
from services.debitura.errors import (
    ApiUnavailable,
    Call,
    InvalidConfiguration,
    RateLimited,
    UnexpectedAnswer,
)
from services.debitura.limits import Clock, RateLimiter, RateLimits, RetryPolicy
from services.debitura.wire import path_of, query_of, write_json

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; a page of 100 rows is below one megabyte
ANSWER_WITHIN_S = 60.0  # from the first byte to the last; a read time-out only sees each pause


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send as ``multipart/form-data`` with the fields that go beside it."""

    form_name: str
    file_name: str
    content: bytes
    media_type: str
    beside: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """One connection pool to one API, safe to use from several threads at once.

    It reads nothing from the environment (no proxy variables, no netrc), verifies TLS and follows
    no redirect. All that may hold a request back is in ``_admitted``.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        limiter: RateLimiter | None = None,
        limits: RateLimits | None = None,
        concurrency: Concurrency | None = None,
        circuit: Circuit | None = None,
        timeout: httpx.Timeout | float | None = None,
        retries: RetryPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._base_url = checked_base_url(base_url)
        self._clock = clock or Clock()
        self._retries = retries or RetryPolicy()
        self._limiter = limiter or RateLimiter(limits, clock=self._clock)
        self._concurrency = concurrency or Concurrency()
        self._circuit = circuit or Circuit(clock=self._clock)
        self._sent = 0
        self._counting = threading.Lock()
        self._client = httpx.Client(
            headers={"Accept": "application/json", **(headers or {})},
            transport=transport,
            timeout=httpx.Timeout(30.0, connect=5.0) if timeout is None else timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    @property
    def sent(self) -> int:
        """The requests put on the wire so far, each attempt counted."""
        return self._sent

    def get(
        self,
        route: str,
        *ids: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.send("GET", route, *ids, params=params, headers=headers, repeatable=True)

    def send(
        self,
        method: str,
        route: str,
        *ids: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        upload: Upload | None = None,
        idempotency_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        bodiless: bool = False,
        also: frozenset[int] = frozenset(),
    ) -> Answer:
        """Send a request and return its answer: any 2xx, or a status in ``also``.

        ``repeatable`` says that sending it twice does no more than once: it is then repeated after
        a failure, as it is with an idempotency key. ``bodiless`` says that nothing reads the
        answer's body. Raises an error of the tree for everything else.
        """
        call = Call(method, route, harmless=repeatable)
        request = self._client.build_request(
            method,
            self._base_url + path_of(route, ids),
            params=query_of(params or {}) or None,
            headers={
                **({"Content-Type": "application/json"} if body is not None else {}),
                **(headers or {}),
                **_idempotency(idempotency_key),
            },
            **_content(body, upload),
        )
        attempts = self._retries.attempts if repeatable or idempotency_key else 1
        return self._repeated(lambda: self._once(call, request, bodiless, also), call, attempts)

    def _repeated(self, once: Callable[[], Answer], call: Call, attempts: int) -> Answer:
        """Own code rather than stamina, whose sleep and clock cannot be handed in."""
        deadline = self._clock.monotonic() + self._retries.total_s
        outcome_unknown = False
        for attempt in itertools.count(1):
            try:
                with self._admitted(call, deadline):
                    return once()
            except ApiUnavailable as error:
                # What an earlier attempt left open, a later failure does not settle.
                outcome_unknown = error.outcome_unknown = outcome_unknown or error.outcome_unknown
                wait = 0.0 if isinstance(error, RateLimited) else self._wait_s(attempt)
                in_time = self._clock.monotonic() + wait <= deadline
                # An open circuit would only refuse it again, after having slept.
                if attempt >= attempts or not in_time or self._circuit.is_open:
                    raise
                self._clock.sleep(wait)
        raise AssertionError("itertools.count has no end")

    def _wait_s(self, attempt: int) -> float:
        return self._retries.wait_s(attempt, self._clock.chance())

    @contextlib.contextmanager
    def _admitted(self, call: Call, deadline: float) -> Iterator[None]:
        """Wait until a request may be sent; the block sends it.

        Raises ``ApiUnavailable`` where that would be after the deadline, or the circuit is open.
        """
        self._circuit.check(call)  # before any wait, so that a refusal comes at once
        with self._concurrency.place(deadline - self._clock.monotonic()) as has_place:
            if not has_place:
                raise ApiUnavailable(call, "earlier requests took all the time there was")
            # Only now, so that a pause that began during the wait for the place is kept.
            wait = self._limiter.take(deadline - self._clock.monotonic())
            if wait > 0:
                raise RateLimited(call, wait)
            with self._circuit.request(call):
                yield

    def _once(
        self, call: Call, request: httpx.Request, bodiless: bool, also: frozenset[int]
    ) -> Answer:
        halvings = self._concurrency.halvings
        self._count()
        with _mapped(call):
            response = self._client.send(request, stream=True)
            try:
                content = self._content_of(call, response)
            finally:
                response.close()
        answer = Answer.of(call, response.status_code, content)
        if _is_foreign(response, content, answer):
            raise not_the_api(call, response.status_code)
        if response.is_success and not bodiless:
            answer.json()
        if response.is_success or response.status_code in also:
            self._concurrency.good_answer()
            return answer
        error = error_for(answer)
        if isinstance(error, RateLimited):
            self._limiter.pause(error.retry_after)
            self._concurrency.halve(halvings)
        raise error

    def _count(self) -> None:
        with self._counting:
            self._sent += 1

    def _content_of(self, call: Call, response: httpx.Response) -> bytes:
        deadline = self._clock.monotonic() + ANSWER_WITHIN_S
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > LARGEST_ANSWER:
                raise UnexpectedAnswer(call, "an answer too large", status=response.status_code)
            if self._clock.monotonic() > deadline:
                raise unavailable(call, "its answer took too long", response.status_code)
        return bytes(content)


def checked_base_url(base_url: str) -> str:
    """The base URL without a trailing slash; raises ``InvalidConfiguration``."""
    try:
        url = httpx.URL(base_url.strip())
    except (httpx.InvalidURL, TypeError, AttributeError):
        raise InvalidConfiguration("The address of the Debitura API is not a URL.") from None
    if url.scheme not in {"http", "https"} or not re.fullmatch(r"[^\s%]+", url.host):
        raise InvalidConfiguration(
            "The address of the Debitura API has to start with https:// and name a host."
        )
    if url.userinfo or url.query or url.fragment:
        raise InvalidConfiguration(
            "The address of the Debitura API may not hold a password, a query or a fragment."
        )
    if url.port is not None and not 0 < url.port < 65_536:
        raise InvalidConfiguration("The address of the Debitura API names no possible port.")
    return str(url).rstrip("/")


def header_secret(secret: SecretStr | str, what: str) -> str:
    """A secret fit for a header; raises ``InvalidConfiguration`` that does not show it."""
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    text = text.strip()
    if not text:
        raise InvalidConfiguration(f"The {what} is missing.")
    if not (text.isascii() and text.isprintable()):
        raise InvalidConfiguration(f"The {what} holds characters that no key has; copy it again.")
    return text


def _idempotency(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable() and key == key.strip()):
        raise ValueError("an idempotency key is 1 to 255 printable ASCII characters")
    return {"Idempotency-Key": key}


def _content(body: Any, upload: Upload | None) -> dict[str, Any]:
    if upload is not None:
        file = (upload.file_name, upload.content, upload.media_type)
        return {"files": {upload.form_name: file}, "data": dict(upload.beside)}
    if body is None:
        return {}
    # httpx would encode it itself, but refuses Decimal.
    return {"content": write_json(body).encode()}


@contextlib.contextmanager
def _mapped(call: Call) -> Iterator[None]:
    """Turns what httpx raises into our tree.

    The cause is dropped on purpose: its text can quote the header or URL that was refused.
    """
    try:
        yield
    except httpx.ConnectTimeout:
        raise ApiUnavailable(call, "the connection took too long") from None
    except httpx.PoolTimeout:
        raise ApiUnavailable(call, "all connections are in use") from None
    except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol):
        raise ApiUnavailable(call, "no connection could be made") from None
    except httpx.TimeoutException:
        raise unavailable(call, "it did not answer in time") from None
    except (httpx.RequestError, httpx.StreamError) as error:
        raise unavailable(call, f"the connection broke ({type(error).__name__})") from None
    except (httpx.InvalidURL, httpx.CookieConflict):
        raise InvalidConfiguration("The request's address cannot be used.") from None


def _is_foreign(response: httpx.Response, content: bytes, answer: Answer) -> bool:
    """Whether a gateway or proxy answered: with HTML, or with an error that is not JSON.

    Above all a gateway's 404 must not be taken for a record that is gone. Too large (413) and too
    many (429) mean the same whoever says it.
    """
    if response.status_code in {413, 429}:
        return False
    media_type = str(response.headers.get("content-type", "")).casefold()
    is_html = "html" in media_type or content.lstrip()[:1] == b"<"
    return is_html or (response.status_code >= 400 and not answer.may_be_the_apis)
