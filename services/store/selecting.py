"""Pieces that the queries share: text filters, sorting, cutting a page."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import Session

from services.store.paging import Page, Window
from services.store.text import fold, like_pattern

T = TypeVar("T")


def mentions(column: Any, text: str | None) -> list[ColumnElement[bool]]:
    """Conditions that every word of ``text`` occurs in a folded column, in any order."""
    words = fold(text or "").split()
    return [column.like(like_pattern(word), escape="\\") for word in words]


def one_of(column: Any, values: Sequence[str]) -> list[ColumnElement[bool]]:
    """A condition that ``column`` is among ``values``; none at all where there are no values."""
    return [column.in_(values)] if values else []


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

    An unknown sort name falls back to ``default``; ``key`` breaks ties, so that pages never
    overlap. Empty values come last, whichever way the rest is sorted.
    """
    total = session.execute(
        select(func.count()).select_from(statement.order_by(None).subquery())
    ).scalar_one()
    column = sortable.get(window.sort or default, sortable[default])
    order = column.desc() if window.descending else column.asc()
    statement = statement.order_by(column.is_(None), order, key).offset(window.offset)
    if window.size is not None:
        statement = statement.limit(window.size)
    return Page(session.execute(statement).scalars().all(), total)
