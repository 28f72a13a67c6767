"""Filters that several pages have; each lives in the address."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

import streamlit as st

from services.periods import Period, between, last_days

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


def period(label: str, *, key: str) -> Period:
    """A span of whole days."""
    today = datetime.now(UTC).date()
    return one(
        label,
        {
            "Any time": Period(),
            "Last 30 days": last_days(30, today),
            "Last 90 days": last_days(90, today),
            "This year": between(today.replace(month=1, day=1), today),
            "Last year": between(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        },
        key=key,
    )
