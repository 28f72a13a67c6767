"""Pieces that the queries share: text filters, sorting, cutting a page."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import Session

from services.store.paging import Page, Window
from services.store.text import (
    LONGEST_WORD,
    fold,
    like_pattern,
    prefix_pattern,
    search_words,
)

T = TypeVar("T")

NOTHING_FITS = ("\0",)
"""A choice of values that no row has."""


def mentions(column: Any, text: str | None) -> list[ColumnElement[bool]]:
    """Conditions that every word of ``text`` occurs in a folded column, in any order."""
    words = search_words(text or "")
    return [column.like(like_pattern(word), escape="\\") for word in words]


def begins(column: Any, text: str) -> ColumnElement[bool]:
    """A condition that a folded column begins with ``text``."""
    condition: ColumnElement[bool] = column.like(
        prefix_pattern(fold(text)[:LONGEST_WORD]), escape="\\"
    )
    return condition


def one_of(column: Any, values: Sequence[str]) -> list[ColumnElement[bool]]:
    """A condition that ``column`` is among ``values``; none at all where there are no values.

    The empty text stands for rows that do not tell the value.
    """
    if not values:
        return []
    among = column.in_(values)
    return [or_(among, column.is_(None)) if "" in values else among]


def cut(
    session: Session,
    statement: Select[T],
    window: Window,
    *,
    sortable: Mapping[str, Any],
    default: str,
    key: Any,
) -> Page[T]:
    """The rows of ``statement`` that ``window`` wants, and how many there are in all.

    Several columns may stand for one sort name, as an amount is ordered within its currency. An
    unknown sort name falls back to ``default``; ``key`` breaks ties, so that pages never
    overlap. Empty values come last, whichever way the rest is sorted.
    """
    total = session.execute(
        select(func.count()).select_from(statement.order_by(None).subquery())
    ).scalar_one()
    by = sortable.get(window.sort or default, sortable[default])
    columns = by if isinstance(by, tuple) else (by,)
    order = [column.desc() if window.descending else column.asc() for column in columns]
    statement = statement.order_by(*(each.nulls_last() for each in order), key)
    statement = statement.offset(window.offset)
    if window.size is not None:
        statement = statement.limit(window.size)
    return Page(session.execute(statement).scalars().all(), total)
