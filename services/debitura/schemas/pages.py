"""One page of a list."""

from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """The rows of one page in the API's order; those that could not be read are apart.

    ``len(rows) + len(rejected)`` is what the page held.
    """

    page: PageData
    rows: list[T]
    rejected: list[RejectedRow]

    @property
    def raw_rows(self) -> list[JsonObject]:
        """The JSON object of each of ``rows``, in the same order."""
        return [row.raw for row in self.rows]


def read_rows(
    model: type[T], rows: Any, clean: Callable[[Any], Any] = lambda row: row
) -> tuple[list[T], list[RejectedRow]]:
    """Read what can be read; a bad row does not stop the good ones."""
    good: list[T] = []
    rejected: list[RejectedRow] = []
    for received in rows or []:
        row = clean(received)
        try:
            good.append(model.received(row))
        except ValidationError as error:
            rejected.append(RejectedRow(row, why_unreadable(error)))
    return good, rejected
