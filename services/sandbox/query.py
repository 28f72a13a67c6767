"""Reading of query parameters the way ASP.NET does: any case, repeated or comma-separated."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from starlette.requests import Request

from services.sandbox.errors import InvalidRequest

Value = TypeVar("Value")
LARGEST_INT = 2_147_483_647


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list, from 1."""

    page: int
    size: int


class Query:
    """The query of one request. Faults are gathered; ``check`` raises them together."""

    def __init__(self, request: Request) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        for name, value in request.query_params.multi_items():
            self._values[name.casefold()].append(value)
        self._faults: list[str] = []

    def check(self) -> None:
        """Raise InvalidRequest (400) when any parameter read so far was wrong."""
        if self._faults:
            raise InvalidRequest(*self._faults)

    def text(self, name: str) -> str | None:
        """The last value, None when absent or empty."""
        values = self._values.get(name.casefold())
        return values[-1] if values and values[-1] else None

    def integer(self, name: str, default: int, *, most: int = LARGEST_INT) -> int:
        """A whole number from 1 to ``most``."""
        value = self.text(name)
        if value is None:
            return default
        if not value.strip().lstrip("-").isdecimal():
            self._faults.append(f"{name}: '{value}' is not a whole number")
            return default
        if not 1 <= int(value) <= most:
            self._faults.append(f"{name}: must be between 1 and {most}")
            return default
        return int(value)

    def page(self, default_size: int) -> PageRequest:
        """Page (from 1) and PageSize (1 to 100)."""
        return PageRequest(
            self.integer("Page", 1), self.integer("PageSize", default_size, most=100)
        )

    def boolean(self, name: str) -> bool | None:
        """true or false."""
        value = self.text(name)
        if value is None:
            return None
        if value.casefold() not in ("true", "false"):
            self._faults.append(f"{name}: '{value}' is not true or false")
            return None
        return value.casefold() == "true"

    def values(self, name: str, read: Callable[[str], Value | None]) -> list[Value]:
        """Every value of a repeated or comma-separated parameter; ``read`` gives None for a
        value that is wrong."""
        found = []
        for value in self._split(name):
            result = read(value)
            if result is None:
                self._faults.append(f"{name}: '{value}' is not valid")
            else:
                found.append(result)
        return found

    def integers(self, name: str) -> list[int]:
        """Whole numbers."""
        return self.values(name, lambda value: int(value) if value.isdecimal() else None)

    def ids(self, name: str) -> list[str]:
        """UUIDs, in lower case."""
        return self.values(name, _uuid)

    def enums(self, name: str, names: tuple[str, ...]) -> list[int]:
        """Numbers of an enum, given as numbers or as its names."""
        return self.values(name, lambda value: _enum(value, names))

    def earliest(self, name: str) -> datetime | None:
        """The first moment that an inclusive lower bound (a date or a time) lets in."""
        value = self._time(name)
        return value if isinstance(value, datetime) or value is None else _midnight(value)

    def latest(self, name: str) -> datetime | None:
        """The last moment that an inclusive upper bound lets in; a date means its whole day."""
        value = self._time(name)
        if isinstance(value, datetime) or value is None:
            return value
        return _midnight(value + timedelta(days=1)) - timedelta(microseconds=1)

    def _time(self, name: str) -> date | datetime | None:
        value = self.text(name)
        if value is None:
            return None
        # A plus sign that was not encoded arrives as a space.
        value = value.strip().replace(" ", "+") if "T" in value else value.strip()
        try:
            if len(value) == 10:
                return date.fromisoformat(value)
            read = datetime.fromisoformat(value)
        except ValueError:
            self._faults.append(f"{name}: '{value}' is not a date")
            return None
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    def sort(self, fields: tuple[str, ...], default: str) -> tuple[str, bool]:
        """One ``field[:asc|desc]``: the field in lower case, and whether it is descending."""
        value = self.text("Sort") or default
        field, _, direction = value.partition(":")
        known = {name.casefold() for name in fields}
        if field.casefold() not in known or direction.casefold() not in ("", "asc", "desc"):
            self._faults.append(f"Sort: '{value}' is not one of {', '.join(fields)} with :asc|desc")
        return field.casefold(), direction.casefold() == "desc"

    def _split(self, name: str) -> list[str]:
        return [
            part.strip()
            for value in self._values.get(name.casefold(), [])
            for part in value.split(",")
            if part.strip()
        ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _uuid(value: str) -> str | None:
    try:
        return str(UUID(value))
    except ValueError:
        return None


def _enum(value: str, names: tuple[str, ...]) -> int | None:
    if value.isdecimal():
        return int(value) if int(value) < len(names) else None
    known = {name.casefold(): number for number, name in enumerate(names)}
    return known.get(value.casefold())
