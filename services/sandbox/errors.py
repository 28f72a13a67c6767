"""Errors of both APIs, in the shapes of the contracts."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.sandbox.wire import answer


class ApiError(Exception):
    """An ApiErrorResponseDto: a status, a type (also in ``error``) and messages.

    Several messages become several businessErrors of the same type.
    """

    def __init__(self, status: int, type_: str, *messages: str) -> None:
        super().__init__(messages[0])
        self.status = status
        self.type = type_
        self.messages = messages

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {
            "error": self.type,
            "message": "; ".join(self.messages),
            "businessErrors": [
                {"type": self.type, "message": message, "solutionUrl": None}
                for message in self.messages
            ],
        }


class NotFound(ApiError):
    """404: nothing visible to this key has the id."""

    def __init__(self, what: str) -> None:
        super().__init__(404, "NotFound", f"{what} was not found.")


class InvalidRequest(ApiError):
    """400: field errors, each message naming its field."""

    def __init__(self, *messages: str) -> None:
        super().__init__(400, "ValidationError", *messages)


class TestEnvironmentOnly(ApiError):
    """403: production refuses it."""

    def __init__(self) -> None:
        super().__init__(403, "Forbidden", "This is only available in the test environment.")


class BusinessError(Exception):
    """422 BusinessErrorResponseApiDTO; ``signing_url`` is what the client has to open."""

    def __init__(
        self, type_: str, message: str, *, solution_url: str | None = None, sign: bool = False
    ) -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.solution_url = solution_url
        self.signing_url = solution_url if sign else None

    def body(self) -> dict[str, Any]:
        """The JSON of the answer; no handoff where nothing can be signed."""
        body: dict[str, Any] = {
            "businessErrors": [
                {"type": self.type, "message": self.message, "solutionUrl": self.solution_url}
            ]
        }
        if self.signing_url:
            body["signingHandoff"] = {"combinedSigningUrl": self.signing_url}
        return body


class Conflict(Exception):
    """409 ConflictResponse of POST /clients; branch on ``type``."""

    def __init__(self, type_: str, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.data = data

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"type": self.type, "message": self.message, "data": self.data}


def answer_errors(app: FastAPI) -> None:
    """Turn the errors of this module, and unknown paths, into the contracts' answers."""

    async def api_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
        return answer(error.body(), error.status)

    async def business_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, BusinessError)  # noqa: S101 - registered for this class only
        return answer(error.body(), 422)

    async def conflict(_: Request, error: Exception) -> Response:
        assert isinstance(error, Conflict)  # noqa: S101 - registered for this class only
        return answer(error.body(), 409)

    async def http_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
        failure = ApiError(error.status_code, str(error.detail).replace(" ", ""), error.detail)
        return answer(failure.body(), error.status_code)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(BusinessError, business_error)
    app.add_exception_handler(Conflict, conflict)
    app.add_exception_handler(HTTPException, http_error)
