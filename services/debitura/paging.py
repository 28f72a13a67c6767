"""Pages of lists: asking for one, and reading one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from services.debitura.answers import Answer
from services.debitura.errors import UnexpectedAnswer
from services.debitura.schemas import (
    PAGE_SIZE,
    Mirrored,
    PageData,
    Reading,
    read_rows,
)
from services.debitura.schemas.lean import read_lean
from services.debitura.schemas.pages import Read

Row = TypeVar("Row", bound=Mirrored)
Summary = TypeVar("Summary", bound=BaseModel)


def page_params(page: int, page_size: int) -> dict[str, Any]:
    """The paging part of a query; raises ``ValueError`` outside the APIs' bounds."""
    if page < 1 or not 1 <= page_size <= PAGE_SIZE:
        raise ValueError(f"pages count from 1 and hold 1 to {PAGE_SIZE} rows")
    return {"Page": page, "PageSize": page_size}


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A list answer; its rows are read when they are asked for."""

    answer: Answer
    data: dict[str, Any]
    parts: tuple[PageData, Reading[Row]]

    def summary(self, model: type[Summary]) -> Summary:
        """The ``summary`` object, empty when the answer has none."""
        told = self.data.get("summary")
        return self.answer.part(told if isinstance(told, dict) else {}, model)


def listed(
    answer: Answer,
    rows_name: str,
    model: type[Row],
    clean: Callable[[Any], Any] = lambda row: row,
) -> Listed[Row]:
    """Read a list answer; raises ``UnexpectedAnswer`` when it does not tell its size.

    ``clean`` takes out of a row what may not go further, also from a rejected one.
    """
    data = answer.json()
    rows = data.get(rows_name) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list | None):
        raise UnexpectedAnswer(answer.call, f"no list of {rows_name}", status=answer.status)
    page = answer.part(data.get("page"), PageData)

    def read(one: Callable[[Any, str | None], Any]) -> Read[Any]:
        return read_rows(one, rows, clean, answer.row_texts(rows_name))

    reading: Reading[Row] = Reading(
        lambda: read(model.received), lambda: read(partial(read_lean, model))
    )
    return Listed(answer, data, (page, reading))
