"""What an answer means: a model, or an error of the tree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from services.debitura.errors import (
    ApiUnavailable,
    BusinessError,
    BusinessRuleRefused,
    Call,
    Conflict,
    DebituraError,
    FileRefused,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    UnexpectedAnswer,
    ValidationFailed,
)
from services.debitura.limits import pause_from
from services.debitura.schemas.base import Mirrored, understand, why_unreadable
from services.debitura.wire import OddJson, read_json, read_plain_json, row_texts

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_NO_BODY: Final = object()
_NOT_JSON: Final = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    call: Call
    status: int
    _value: Any
    _plain: bytes | None = None

    @classmethod
    def of(cls, call: Call, status: int, content: bytes) -> "Answer":
        if not content.strip():
            return cls(call, status, _NO_BODY)
        try:
            return cls(call, status, read_plain_json(content), content)
        except OddJson:
            pass
        try:
            return cls(call, status, read_json(content))
        except ValueError:
            return cls(call, status, _NOT_JSON)

    def row_texts(self, rows_name: str) -> list[str] | None:
        """The JSON text of each row of a list, as it came; None where it had to be mended."""
        return None if self._plain is None else row_texts(self._plain, rows_name)

    @property
    def may_be_the_apis(self) -> bool:
        """Whether the body is JSON or empty."""
        return self._value is not _NOT_JSON

    def json(self) -> Any:
        """The body's JSON value.

        Raises ``UnexpectedAnswer`` when there is none, ``ApiUnavailable`` when it is not JSON.
        """
        if self._value is _NO_BODY:
            raise UnexpectedAnswer(self.call, "an empty body", status=self.status)
        if self._value is _NOT_JSON:
            raise not_the_api(self.call, self.status)
        return self._value

    def read(self, model: type[AnyModel]) -> AnyModel:
        """The body as ``model``; raises ``UnexpectedAnswer`` when it cannot be one."""
        return self.part(self.json(), model)

    def part(self, data: Any, model: type[AnyModel]) -> AnyModel:
        """A part of the body as ``model``."""
        try:
            if issubclass(model, Mirrored):
                return model.received(data)
            return understand(model, data)
        except ValidationError as error:
            raise UnexpectedAnswer(self.call, why_unreadable(error), status=self.status) from None

    def rows(self, model: type[AnyModel]) -> list[AnyModel]:
        """A body that is a bare list; null is an empty one.

        It is not paged and has no place for rejected rows, so one unreadable row fails it.
        """
        data = self.json()
        if not isinstance(data, list | None):
            raise UnexpectedAnswer(self.call, "not a list", status=self.status)
        return [self.part(row, model) for row in data or []]

    def error_body(self) -> dict[str, Any]:
        """An error's JSON object; the status alone is enough when there is none."""
        return self._value if isinstance(self._value, dict) else {}


def unavailable(call: Call, cause: str, status: int | None = None) -> ApiUnavailable:
    """``ApiUnavailable`` after the request was, or may have been, sent."""
    return ApiUnavailable(call, cause, status=status, outcome_unknown=call.changes_something)


def not_the_api(call: Call, status: int) -> ApiUnavailable:
    return unavailable(
        call, f"something in between answered with status {status} and no JSON", status
    )


def error_for(answer: Answer) -> DebituraError:
    """The error of the tree that an answer other than 2xx means."""
    if answer.status >= 500:
        return unavailable(answer.call, f"it failed with status {answer.status}", answer.status)
    return _ERRORS.get(answer.status, _unexpected)(answer)


def _unexpected(answer: Answer) -> DebituraError:
    redirect = ", a redirect, which is not followed" if 300 <= answer.status < 400 else ""
    return UnexpectedAnswer(answer.call, f"status {answer.status}{redirect}", status=answer.status)


def _too_many(answer: Answer) -> DebituraError:
    return RateLimited(answer.call, pause_from(answer.error_body()), status=answer.status)


def _conflict(answer: Answer) -> DebituraError:
    body = answer.error_body()
    kinds = (_text(body, "type"), *(each.type for each in _business_errors(body)))
    return Conflict(
        answer.call,
        type=next((kind for kind in kinds if kind), None) or _text(body, "error"),
        detail=_text(body, "message"),
    )


def _refused(kind: type[ValidationFailed]) -> Callable[[Answer], DebituraError]:
    def error(answer: Answer) -> DebituraError:
        body = answer.error_body()
        return kind(
            answer.call,
            _field_errors(body),
            business_errors=_business_errors(body),
            detail=_text(body, "message"),
            status=answer.status,
        )

    return error


def _rule(answer: Answer) -> DebituraError:
    body = answer.error_body()
    return BusinessRuleRefused(
        answer.call,
        _business_errors(body),
        signing_url=_text(body.get("signingHandoff"), "combinedSigningUrl"),
        detail=_text(body, "message"),
    )


_ERRORS: Final[dict[int, Callable[[Answer], DebituraError]]] = {
    400: _refused(ValidationFailed),
    401: lambda answer: Unauthorized(answer.call),
    403: lambda answer: Forbidden(answer.call),
    404: lambda answer: NotFound(answer.call),
    408: lambda answer: unavailable(answer.call, "it did not answer in time", 408),
    409: _conflict,
    413: _refused(FileRefused),
    415: _refused(FileRefused),
    422: _rule,
    429: _too_many,
}


def _text(body: Any, name: str) -> str | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and value else None


def _business_errors(body: dict[str, Any]) -> tuple[BusinessError, ...]:
    told = body.get("businessErrors")
    return tuple(
        BusinessError(_text(each, "type"), _text(each, "message"), _text(each, "solutionUrl"))
        for each in (told if isinstance(told, list) else [])
        if isinstance(each, dict)
    )


def _field_errors(body: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Field errors as .NET writes them: ``errors`` (or ``validationErrors``) by field name."""
    told = body.get("errors") or body.get("validationErrors")
    if not isinstance(told, dict):
        return {}
    return {
        name: tuple(str(text) for text in (texts if isinstance(texts, list) else [texts]))
        for name, texts in told.items()
    }
