"""How a link request ends, whoever tells of it, in whatever order and however often."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.link_request import (
    CLOCKS_DIFFER_BY,
    LearntBy,
    LinkRequestStatus,
    Standing,
    concerned,
)
from tests.filling import NOW

PENDING = LinkRequestStatus.PENDING
WAITING = Standing(PENDING, None, LearntBy.ANSWER)
ENDS = [status for status in LinkRequestStatus if status is not PENDING]
TELLERS = [teller for teller in LearntBy if teller is not LearntBy.CLOCK]

moments = st.integers(0, 20).map(lambda hours: NOW + timedelta(hours=hours))
told = st.builds(Standing, st.sampled_from(ENDS), moments, st.sampled_from(TELLERS))
clock = moments.map(lambda at: Standing(LinkRequestStatus.EXPIRED, at, LearntBy.CLOCK))
waiting = st.sampled_from([Standing(PENDING, None, teller) for teller in LearntBy])
anything = st.one_of(told, clock, waiting)


def after(news: Iterable[Standing], known: Standing = WAITING) -> Standing:
    """How a request stands once all of the news has come."""
    for each in news:
        known = each if each.outweighs(known) else known
    return known


def end_of(standing: Standing) -> tuple[LinkRequestStatus, datetime | None]:
    return standing.status, standing.since


@given(st.data())
def test_a_request_ends_alike_in_any_order_and_with_any_repetition(data: st.DataObject) -> None:
    news = data.draw(st.lists(anything, max_size=8))
    repeated = data.draw(st.lists(st.sampled_from(news), max_size=8)) if news else []
    shuffled = data.draw(st.permutations(news + repeated))
    assert end_of(after(shuffled)) == end_of(after(news))


@given(st.data())
def test_of_what_was_told_an_approval_counts_else_the_latest_whatever_our_clock_says(
    data: st.DataObject,
) -> None:
    news = data.draw(st.lists(told, min_size=1, max_size=8))
    ours = data.draw(st.lists(clock, max_size=4))
    standing = after(data.draw(st.permutations(news + ours)))
    assert standing in news
    approvals = [each for each in news if each.status is LinkRequestStatus.APPROVED]
    assert standing.since == max(each.since for each in approvals or news if each.since)
    assert not approvals or standing.status is LinkRequestStatus.APPROVED


@given(told, clock)
def test_our_clock_never_outweighs_what_was_told(end: Standing, ours: Standing) -> None:
    assert not ours.outweighs(end)
    assert end.outweighs(ours)


@given(st.one_of(told, clock), waiting)
def test_an_end_never_goes_back_to_waiting(end: Standing, waits: Standing) -> None:
    assert end.outweighs(waits)
    assert not waits.outweighs(end)


@given(anything)
def test_hearing_the_same_again_changes_nothing(standing: Standing) -> None:
    assert not standing.outweighs(standing)


@given(anything, anything, anything)
def test_what_outweighs_is_an_order(one: Standing, two: Standing, three: Standing) -> None:
    assert not (one.outweighs(two) and two.outweighs(one))
    if one.outweighs(two) and two.outweighs(three):
        assert one.outweighs(three)


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        ("approved", "declined", "approved"),
        ("approved", "expired", "approved"),
        ("declined", "expired", "declined"),
    ],
)
def test_ends_of_the_same_moment_have_an_order_of_their_own(
    one: str, other: str, wins: str
) -> None:
    news = [Standing(LinkRequestStatus(each), NOW, LearntBy.WEBHOOK) for each in (one, other)]
    assert after(news).status == after(reversed(news)).status == wins


@given(st.lists(moments, max_size=6).map(sorted), moments)
def test_an_end_concerns_the_last_request_that_was_asked_by_then(
    asked: list[datetime], moment: datetime
) -> None:
    number = concerned(asked, moment)
    latest = moment + CLOCKS_DIFFER_BY
    if number is None:
        assert all(at > latest for at in asked)
    else:
        assert asked[number] <= latest
        assert all(at > latest for at in asked[number + 1 :])


@pytest.mark.parametrize(
    ("early", "found"),
    [
        (timedelta(), 1),
        (CLOCKS_DIFFER_BY, 1),
        (CLOCKS_DIFFER_BY + timedelta(microseconds=1), 0),
        (timedelta(days=1), 0),
        (timedelta(days=1) + CLOCKS_DIFFER_BY + timedelta(microseconds=1), None),
    ],
)
def test_clocks_may_differ_by_a_minute(early: timedelta, found: int | None) -> None:
    asked = [NOW - timedelta(days=1), NOW]
    assert concerned(asked, NOW - early) == found


def test_where_nothing_was_asked_nothing_is_concerned() -> None:
    assert concerned([], NOW) is None
