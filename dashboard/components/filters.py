"""Filters that several pages have; each lives in the address."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import streamlit as st

Choice = TypeVar("Choice")


def text(label: str, *, key: str) -> str:
    """A text to look for, while typing."""
    return (
        st.text_input(label, key=key, type="search", live=True, bind="query-params", width=260)
        or ""
    )


def several(
    label: str, options: Sequence[str], *, key: str, names: dict[str, str] | None = None
) -> tuple[str, ...]:
    """Any of the options; none chosen means all."""
    chosen = st.multiselect(
        label,
        options,
        format_func=lambda option: (names or {}).get(option, option),
        key=key,
        placeholder="All",
        bind="query-params",
        width=220,
    )
    return tuple(chosen)


def one(label: str, options: dict[str, Choice], *, key: str) -> Choice:
    """One of the named choices; the first is the default."""
    chosen = st.selectbox(label, list(options), key=key, bind="query-params", width=200)
    return options.get(chosen, next(iter(options.values())))


def period(label: str, *, key: str) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last, in UTC; None where it is open."""
    today = datetime.now(UTC).date()
    spans = {
        "Any time": (None, None),
        "Last 30 days": (today - timedelta(days=29), today),
        "Last 90 days": (today - timedelta(days=89), today),
        "This year": (today.replace(month=1, day=1), today),
        "Last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    first, last = one(label, spans, key=key)
    return _start(first), _start(last + timedelta(days=1)) if last else None


def _start(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
