"""Files as both APIs take them."""

from dataclasses import dataclass
from pathlib import PurePath

from starlette.datastructures import UploadFile
from starlette.requests import Request

from services.sandbox.errors import ApiError, InvalidRequest

LARGEST_BYTES = 25 * 1024 * 1024
SUFFIXES = {".pdf", ".xls", ".xlsx", ".csv", ".txt", ".jpg", ".jpeg", ".png", ".gif"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was accepted, and the form's other fields by lower-case name."""

    name: str
    content: bytes
    fields: dict[str, str]

    @property
    def fingerprint(self) -> bytes:
        """What two uploads have to share to be the same; the raw body has a random boundary."""
        texts = [self.name, *(f"{name}={value}" for name, value in sorted(self.fields.items()))]
        return "\0".join(texts).encode() + b"\0" + self.content


async def read_upload(request: Request) -> Upload:
    """The file of the form field ``file`` (any case).

    Raises InvalidRequest (400) without one, ApiError 413 over 25 MB, 415 for another type.
    """
    async with request.form() as form:
        fields = {name.casefold(): value for name, value in form.items()}
        upload = fields.pop("file", None)
        if not isinstance(upload, UploadFile):
            raise InvalidRequest("file: is required")
        name = PurePath(upload.filename or "").name
        if PurePath(name).suffix.lower() not in SUFFIXES:
            raise ApiError(415, "UnsupportedMediaType", "This type of file is not accepted.")
        content = await upload.read()
    if len(content) > LARGEST_BYTES:
        raise ApiError(413, "PayloadTooLarge", "A file may have at most 25 MB.")
    if not content:
        raise InvalidRequest("file: is empty")
    texts = {key: value for key, value in fields.items() if isinstance(value, str)}
    return Upload(name, content, texts)
