"""Filters that several pages have; each lives in the address.

The address carries what an option is called, so an option's name holds no figure that changes.
"""

from collections.abc import Mapping, Sequence
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


def several(label: str, options: Sequence[str], *, key: str) -> tuple[str, ...]:
    """Any of the options; none chosen means all."""
    return several_of(label, {option: option for option in options}, key=key)


def several_of(label: str, options: Mapping[str, Choice], *, key: str) -> tuple[Choice, ...]:
    """Any of the named choices; none chosen means all."""
    chosen = st.multiselect(
        label, list(options), key=key, placeholder="All", bind="query-params", width=220
    )
    return tuple(options[name] for name in chosen if name in options)


def one(label: str, options: Mapping[str, Choice], *, key: str) -> Choice:
    """One of the named choices; the first is the default."""
    chosen = st.selectbox(label, list(options), key=key, bind="query-params", width=200)
    return options.get(chosen, next(iter(options.values())))


def one_in_sight(label: str, options: Mapping[str, Choice], *, key: str, told: str) -> Choice:
    """The same with all choices in sight."""
    names = list(options)
    chosen = st.segmented_control(
        label, names, default=names[0], required=True, key=key, bind="query-params", help=told
    )
    return options.get(chosen, options[names[0]])


def switch(label: str, *, key: str, told: str | None = None) -> bool:
    """On or off; off is the default."""
    return st.toggle(label, key=key, bind="query-params", help=told)


def period(label: str, *, key: str) -> Period:
    """A span of whole days."""
    return one(label, spans(datetime.now(UTC).date()), key=key)


def spans(today: date) -> dict[str, Period]:
    """The spans of whole days that lists are narrowed to, by what they are called."""
    return {
        "Any time": Period(),
        "Last 30 days": last_days(30, today),
        "Last 90 days": last_days(90, today),
        "This year": between(today.replace(month=1, day=1), today),
        "Last year": between(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
