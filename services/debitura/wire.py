"""Bytes to values and back: JSON with exact numbers, and ids as path segments."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote

import msgspec

_PLAIN = msgspec.json.Decoder(float_hook=Decimal)
_HALF_CHARACTER = re.compile(rb"\\\\u[dD]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_DIGITS = 400  # a double has 309 before the point; longer ones are an attack on int()


class OddJson(ValueError):
    """Not JSON, or with something in it that has to be mended before it is kept."""


def read_plain_json(content: bytes) -> Any:
    """Parse JSON that can be kept as it stands; numbers with a point are ``Decimal``.

    Raises ``OddJson`` for everything that ``read_json`` mends or refuses.
    """
    if _HALF_CHARACTER.search(content) is not None:
        raise OddJson
    try:
        return _PLAIN.decode(content)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise OddJson from error


def row_texts(content: bytes, rows_name: str) -> list[str]:
    """The JSON text of each row of a list that ``read_plain_json`` read, exactly as it came."""
    rows = _rows_decoder(rows_name).decode(content).rows
    return [bytes(row).decode() for row in rows or []]


def read_json(content: bytes) -> Any:
    """Parse JSON; numbers with a point are ``Decimal``, never a binary float.

    What JSON does not have (NaN, Infinity) and numbers beyond all bounds are null. Raises
    ``ValueError`` when it is not JSON in UTF-8.
    """
    try:
        return read_plain_json(content)
    except OddJson:
        return _read_odd_json(content)


@cache
def _rows_decoder(rows_name: str) -> msgspec.json.Decoder[Any]:
    listing = msgspec.defstruct(
        "Listing", [("rows", list[msgspec.Raw] | None, None)], rename={"rows": rows_name}
    )
    return msgspec.json.Decoder(listing)


def _read_odd_json(content: bytes) -> Any:
    text = content.decode("utf-8-sig")
    try:
        value = json.loads(
            text, parse_float=_decimal, parse_int=_integer, parse_constant=lambda _: None
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Half a character can come as an escape, and then neither a database nor a page takes it.
    return _mended(value) if "\\ud" in text.lower() else value


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= _MOST_DIGITS else None


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(each) for name, each in value.items()}
    return value


def write_json(value: Any) -> str:
    """JSON text in which a ``Decimal`` is a number with exactly its digits."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{write_json(k)}:{write_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(write_json(each) for each in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, allow_nan=False)


def path_of(route: str, ids: tuple[str, ...]) -> str:
    """The path with each ``{name}`` replaced by one id as one segment.

    Raises ``ValueError`` for an empty id, which would name the list instead.
    """
    rest = iter(ids)
    return re.sub(r"\{\w+\}", lambda _: _segment(next(rest)), route)


def _segment(identity: str) -> str:
    if not identity:
        raise ValueError("an id in a path may not be empty")
    if identity in {".", ".."}:
        # A client or proxy would take these as steps in the path, quote() leaves them alone.
        return identity.replace(".", "%2E")
    return quote(identity, safe="")


QueryPairs = list[tuple[str, str | int | float | bool | None]]


def query_of(params: Mapping[str, Any]) -> QueryPairs:
    """Query pairs: what is None is left out, a list repeats its name, times are UTC."""
    pairs: QueryPairs = []
    for name, value in params.items():
        many = value if isinstance(value, list | tuple | set | frozenset) else [value]
        pairs += [(name, _query_text(each)) for each in many if each is not None]
    return pairs


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
