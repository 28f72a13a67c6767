"""Spans of whole days, in UTC, that pages and headlines share."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True)
class Period:
    """From the start of the first day up to, and without, the start of the day after the last.

    None where it is open.
    """

    start: datetime | None = None
    end: datetime | None = None


def between(first: date, last: date) -> Period:
    """All of the days from ``first`` to ``last``; both count."""
    return Period(_midnight(first), _midnight(last + timedelta(days=1)))


def last_days(days: int, today: date) -> Period:
    """So many days up to and with ``today``."""
    return between(today - timedelta(days=days - 1), today)


def before(period: Period) -> Period:
    """The equally long period that ends where a closed ``period`` begins."""
    if period.start is None or period.end is None:
        raise ValueError("An open period has none before it.")
    return Period(period.start - (period.end - period.start), period.start)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
