"""Numbers, amounts, times and texts as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from dashboard_reader import AWKWARD, text_of
from markdown_it import MarkdownIt

from dashboard.components import formats
from services.domain.money import Money, usd

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (Money("EUR", 123_450), "1,234.50 EUR"),
        (Money("EUR", 5), "0.05 EUR"),
        (Money("JPY", 1_234_567), "1,234,567 JPY"),
        (Money("KWD", 1_234_567), "1,234.567 KWD"),
        (Money("EUR", -123_450), "-1,234.50 EUR"),
        (Money("XYZ", 100), "1.00 XYZ"),
        (Money("", 100), "1.00"),
        (None, formats.NOTHING),
    ],
)
def test_an_amount_has_its_currency_and_as_many_decimals_as_that_has(
    amount: Money | None, told: str
) -> None:
    assert formats.money(amount) == told


def test_an_amount_beyond_what_floats_hold_is_told_to_the_last_digit() -> None:
    assert formats.money(Money("EUR", 9_007_199_254_740_993_01)) == "9,007,199,254,740,993.01 EUR"


@pytest.mark.parametrize(
    ("cents", "told"),
    [(0, "$0.00"), (5, "$0.05"), (123_456_789, "$1,234,567.89"), (-5, "-$0.05"), (-100, "-$1.00")],
)
def test_dollars_have_their_sign_in_front_of_the_dollar(cents: int, told: str) -> None:
    assert formats.usd(usd(cents)) == told


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=44), "just now"),
        (timedelta(seconds=-44), "just now"),
        (timedelta(minutes=3), "3 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_an_age_is_told_in_words_of_its_size(age: timedelta, told: str) -> None:
    assert formats.ago(NOW - age, NOW) == told


def test_what_was_never_is_told_as_nothing() -> None:
    told = [
        formats.ago(None, NOW),
        formats.exact(None),
        formats.day(None),
        formats.span(None),
        formats.percent(None),
    ]
    assert told == [formats.NOTHING] * 5
    assert formats.days_since(None, NOW) is None


def test_days_are_whole_days() -> None:
    assert formats.days_since(NOW - timedelta(hours=47, minutes=59), NOW) == 1


@pytest.mark.parametrize(("share", "told"), [(0.0, "0 %"), (0.424, "42 %"), (1.0, "100 %")])
def test_a_share_is_told_in_whole_percent(share: float, told: str) -> None:
    assert formats.percent(share) == told


def test_counts_have_their_thousands_apart() -> None:
    assert formats.count(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    "name", [*AWKWARD.values(), "1. one", "- list", "a\nb", "https://x.example"]
)
def test_text_from_outside_stays_text_where_markdown_is_drawn(name: str) -> None:
    escaped = formats.plain(name)
    assert text_of(escaped) == name
    drawn = [token for token in MarkdownIt().parse(escaped) if token.type == "inline"]
    assert [token.type for token in MarkdownIt().parse(escaped)] == [
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]
    assert {child.type for child in drawn[0].children or []} <= {
        "text",
        "text_special",
        "softbreak",
    }


def test_no_text_is_told_as_empty() -> None:
    assert formats.plain(None) == ""
