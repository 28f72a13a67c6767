"""One page of a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import zip_longest
from typing import Any, Generic, TypeVar

from pydantic import Field, ValidationError

from services.debitura.schemas.base import JsonObject, Mirrored, Model, why_unreadable

PAGE_SIZE = 100  # the APIs' maximum; a bigger one is answered with 400

T = TypeVar("T", bound=Mirrored)


class PageData(Model):
    """Where a page stands in its list.

    ``total_results`` is required although the contract is silent: a list that does not tell its
    size must not be taken for an empty one.
    """

    total_results: int = Field(ge=0)
    page_size: int = 0
    current_page: int = 0
    response_count: int = 0
    total_pages: int = 0


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be understood, and why (fields, never values)."""

    raw: Any = field(repr=False)
    reason: str


Read = tuple[list[T], list[RejectedRow]]


class Reading(Generic[T]):
    """Rows that are read when they are first asked for.

    Threads that fetch pages ahead should wait for the network, and not keep the thread that takes
    the pages from its work.
    """

    def __init__(self, read: Callable[[], Read[T]], read_lean: Callable[[], Read[Any]]) -> None:
        self._read = read
        self._read_lean = read_lean

    @cached_property
    def models(self) -> Read[T]:
        """The rows that were understood, and those that were not."""
        return self._read()

    @cached_property
    def lean(self) -> Read[Any]:
        """The same, read quickly."""
        return self._read_lean()


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """The rows of one page in the API's order; those that could not be read are apart.

    ``len(rows) + len(rejected)`` is what the page held.
    """

    page: PageData
    reading: Reading[T] = field(repr=False)
    asked_at: datetime | None = field(default=None, kw_only=True)
    """When whoever keeps the rows asked for them."""

    @property
    def rows(self) -> list[T]:
        return self.reading.models[0]

    @property
    def lean_rows(self) -> list[Any]:
        """The rows with the same attributes, but of no model where that is quicker; their enums
        may be plain texts."""
        return self.reading.lean[0]

    @property
    def rejected(self) -> list[RejectedRow]:
        return self.reading.lean[1]

    @property
    def raw_rows(self) -> list[JsonObject]:
        """The JSON object of each of ``rows``, in the same order."""
        return [row.raw for row in self.rows]


def read_rows(
    read_one: Callable[[Any, str | None], T],
    rows: Any,
    clean: Callable[[Any], Any] = lambda row: row,
    texts: Sequence[str] | None = None,
) -> Read[T]:
    """Read what can be read; a bad row does not stop the good ones.

    ``texts`` are the rows' JSON texts; of a row that ``clean`` changes it is not kept.
    """
    good: list[T] = []
    rejected: list[RejectedRow] = []
    for received, text in zip_longest(rows or [], texts or []):
        row = clean(received)
        try:
            good.append(read_one(row, text if row is received else None))
        except ValidationError as error:
            rejected.append(RejectedRow(row, why_unreadable(error)))
    return good, rejected
