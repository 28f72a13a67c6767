"""The audit log: who asked for what, when, and what came of it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services import audit
from services.audit import AuditFilter, Choices
from services.store import Store, Window
from services.store.tables import AuditRow, LinkRequestRow
from tests.filling import NOW, client, fill

NEWEST_FIRST = Window(size=None, sort="at", descending=True)
NOTED = (
    ("anna", "ask for link", "t-1", "link requested"),
    ("anna", "ask for link", "asked-only", "link requested"),
    ("dashboard", "replay webhook events", "all failed events", "3 to be applied anew"),
    ("cli", "rotate webhook secret", "Sub_100%", "rotated"),
)


@pytest.fixture
def noted(store: Store) -> Store:
    """A log of what was done to a client, to one that was only asked, and to no client."""
    fill(store, clients=[client("t-1", name="Ünal & Söhne")])
    with store.write() as session:
        for minute, (actor, action, subject, outcome) in enumerate(NOTED):
            at = NOW + timedelta(minutes=minute)
            session.add(
                AuditRow(at=at, actor=actor, action=action, subject=subject, outcome=outcome)
            )
        session.add(
            LinkRequestRow(
                external_tenant_id="asked-only",
                company_name="Asked only",
                status="pending",
                requested_at=NOW,
                requested_by="anna",
                expires_at=NOW + timedelta(days=7),
                search_text="asked only",
            )
        )
    return store


def subjects(store: Store, wanted: AuditFilter, window: Window = NEWEST_FIRST) -> Sequence[str]:
    return [entry.subject for entry in audit.list_entries(store, wanted, window).rows]


def test_the_log_is_told_by_time(noted: Store) -> None:
    page = audit.list_entries(noted, AuditFilter(), NEWEST_FIRST)
    told = [(row.actor, row.action, row.subject, row.outcome) for row in page.rows]
    assert tuple(told) == NOTED[::-1]
    assert page.rows[-1].at == NOW
    assert page.total == 4


def test_what_was_noted_at_the_same_moment_keeps_its_order(store: Store) -> None:
    with store.write() as session:
        for number in range(5):
            row = AuditRow(at=NOW, actor="a", action="b", subject=str(number), outcome="c")
            session.add(row)
            session.flush()
    assert subjects(store, AuditFilter()) == ["4", "3", "2", "1", "0"]
    assert subjects(store, AuditFilter(), Window(2, 2, "at", True)) == ["2", "1"]


def test_a_subject_is_named_where_it_is_a_client_or_was_asked_to_be(noted: Store) -> None:
    page = audit.list_entries(noted, AuditFilter(), NEWEST_FIRST)
    assert [(row.tenant_id, row.client_name) for row in page.rows] == [
        (None, None),
        (None, None),
        ("asked-only", "Asked only"),
        ("t-1", "Ünal & Söhne"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(actors=("anna",)), ["asked-only", "t-1"]),
        (AuditFilter(actors=("anna", "cli")), ["Sub_100%", "asked-only", "t-1"]),
        (AuditFilter(actions=("replay webhook events",)), ["all failed events"]),
        (AuditFilter(actors=("anna",), actions=("rotate webhook secret",)), []),
        (AuditFilter(text=" T-1 "), ["t-1"]),
        (AuditFilter(text="_"), ["Sub_100%"]),
        (AuditFilter(text="0%"), ["Sub_100%"]),
        (AuditFilter(text="\\"), []),
        (AuditFilter(text="x" * 100_000), []),
    ],
)
def test_the_log_is_narrowed(noted: Store, wanted: AuditFilter, found: list[str]) -> None:
    assert subjects(noted, wanted) == found


def test_the_log_tells_what_it_can_be_narrowed_by(noted: Store) -> None:
    assert audit.choices(noted) == Choices(
        actors=("anna", "cli", "dashboard"),
        actions=("ask for link", "replay webhook events", "rotate webhook secret"),
    )


def test_an_empty_log_is_an_empty_page(store: Store) -> None:
    assert audit.list_entries(store, AuditFilter(), NEWEST_FIRST).total == 0
    assert audit.choices(store) == Choices((), ())
