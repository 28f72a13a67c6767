"""A choice of clients by when they were linked: a span up to today, a year, or one month."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from babel.dates import format_date

from dashboard.components import filters, formats
from services.periods import Period, between


def choose(first: datetime | None, *, key: str) -> Period:
    """The chosen span of whole days; months are offered back to that of ``first``."""
    today = datetime.now(UTC).date()
    months = _months(today, today if first is None else first.date())
    return filters.one("Linked", {**filters.spans(today), **dict(months)}, key=key)


def _months(today: date, first: date) -> Iterator[tuple[str, Period]]:
    """``June 2026`` and its days, the newest month first."""
    last_day = today
    while last_day >= first:
        first_day = last_day.replace(day=1)
        name = format_date(first_day, "MMMM y", locale=formats.LOCALE)
        yield name, between(first_day, last_day)
        last_day = first_day - timedelta(days=1)
