"""Numbers, amounts and times as people read them."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from babel.dates import format_date, format_datetime, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal

from services.domain.money import Money, minor_digits

LOCALE = "en_GB"
NOTHING = "\u2013"
_ZONE = "reader_zone"


def note_zone() -> None:
    """Remember the reader's time zone, which not every run is told."""
    if st.context.timezone:
        st.session_state[_ZONE] = st.context.timezone


def reader_zone() -> tzinfo:
    """The reader's time zone, as the browser tells it; UTC where it does not."""
    try:
        return ZoneInfo(st.context.timezone or st.session_state.get(_ZONE) or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def money(amount: Money | None) -> str:
    """``1,234.50 EUR``, with as many decimals as the currency has."""
    if amount is None:
        return NOTHING
    return f"{_digits(amount)} {amount.currency}".strip()


def usd(amount: Money) -> str:
    """``$1,234.50`` for headlines."""
    return (
        f"-${_digits(Money('USD', -amount.minor))}" if amount.minor < 0 else f"${_digits(amount)}"
    )


def count(number: int) -> str:
    return f"{number:,}"


def listed(parts: Sequence[str]) -> str:
    """``clients, cases and coverage``."""
    return format_list(parts, locale=LOCALE)


def percent(share: float | None) -> str:
    """``42 %`` of a share from 0 to 1."""
    return NOTHING if share is None else f"{share:.0%}".replace("%", " %")


def exact(moment: datetime | None) -> str:
    """Day and minute in the reader's zone."""
    if moment is None:
        return NOTHING
    return format_datetime(moment.astimezone(reader_zone()), "d MMM y, HH:mm", locale=LOCALE)


def day(moment: datetime | None) -> str:
    if moment is None:
        return NOTHING
    return format_datetime(moment.astimezone(reader_zone()), "d MMM y", locale=LOCALE)


def date_only(moment: datetime | None) -> str:
    """A date without a time of day, the same in every zone."""
    return NOTHING if moment is None else format_date(moment, "d MMM y", locale=LOCALE)


def ago(moment: datetime | None, now: datetime) -> str:
    """``3 days ago``, ``in 2 hours``, ``just now``."""
    if moment is None:
        return NOTHING
    if abs(now - moment) < timedelta(seconds=45):
        return "just now"
    return format_timedelta(moment - now, add_direction=True, locale=LOCALE)


def span(length: timedelta | None) -> str:
    """``3 days``, ``5 hours``, ``under a second``."""
    if length is None:
        return NOTHING
    if timedelta(0) <= length < timedelta(seconds=1):
        return "under a second"
    return format_timedelta(length, locale=LOCALE)


def days_since(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else (now - moment).days


def plain(text: str | None) -> str:
    """Text from outside, shown as text where Markdown would be drawn."""
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in text or "")


_MARKDOWN = frozenset("\\`*_{}[]()<>#+-.!|~$:&^=")


def _digits(amount: Money) -> str:
    digits = minor_digits(amount.currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(amount.amount, format=pattern, locale=LOCALE)
