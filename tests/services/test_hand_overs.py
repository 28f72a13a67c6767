"""Links handed over to clients: what is noted, what is refused, and what the audit tells."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services import hand_overs
from services.hand_overs import HandOver, HandOverRefused, Way
from services.store import Store
from services.store import hand_overs as stored
from services.store.mirror import KEYS_A_QUERY
from services.store.tables import AuditRow, HandOverRow
from tests.filling import NOW, SIGN

HOUR = timedelta(hours=1)


def note(store: Store, tenant_id: str = "t-1", **changes: Any) -> None:
    told: dict[str, Any] = {
        "url": SIGN,
        "at": NOW - HOUR,
        "to_whom": "Anna Berg",
        "how": Way.EMAIL,
        "actor": "dora",
        "now": NOW,
    }
    hand_overs.note(store, tenant_id, **{**told, **changes})


def audited(store: Store) -> list[AuditRow]:
    with store.read() as session:
        return list(session.execute(select(AuditRow)).scalars())


def test_a_hand_over_is_noted_with_all_that_was_told(store: Store) -> None:
    note(store)
    assert hand_overs.of_client(store, "t-1") == [
        HandOver(
            url=SIGN,
            handed_over_at=NOW - HOUR,
            to_whom="Anna Berg",
            how="Email",
            noted_by="dora",
            noted_at=NOW,
        )
    ]


def test_each_client_has_its_own_hand_overs_newest_first(store: Store) -> None:
    for to_whom, hours in (("Bo", 3), ("Anna", 1), ("Carl", 2), ("Dan", 2)):
        note(store, to_whom=to_whom, at=NOW - hours * HOUR)
    note(store, "T-1", to_whom="Another")
    told = [each.to_whom for each in hand_overs.of_client(store, "t-1")]
    assert told == ["Anna", "Dan", "Carl", "Bo"]
    assert hand_overs.of_client(store, "nobody") == []


def test_the_audit_tells_that_it_was_noted_and_nothing_personal(store: Store) -> None:
    note(store)
    (row,) = audited(store)
    assert (row.at, row.actor, row.subject, row.outcome) == (NOW, "dora", "t-1", "noted")
    assert "Anna" not in row.model_dump_json()
    assert SIGN not in row.model_dump_json()


REFUSED = {
    "nobody": ({"to_whom": ""}, "to whom"),
    "blanks": ({"to_whom": " \n\t"}, "to whom"),
    "too long a name": ({"to_whom": "a" * 201}, "at most 200"),
    "a day to come": ({"at": NOW + timedelta(days=1)}, "future"),
    "soon": ({"at": NOW + timedelta(minutes=2)}, "future"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_noted(store: Store, why: str) -> None:
    changes, words = REFUSED[why]
    with pytest.raises(HandOverRefused, match=words) as refused:
        note(store, **changes)
    assert str(refused.value).endswith(".")
    assert hand_overs.of_client(store, "t-1") == []
    assert audited(store) == []


def test_the_form_s_minute_may_be_a_little_ahead_of_our_clock(store: Store) -> None:
    note(store, at=NOW + timedelta(seconds=59))
    assert len(hand_overs.of_client(store, "t-1")) == 1


def test_blanks_around_and_within_a_name_are_put_in_order(store: Store) -> None:
    note(store, to_whom="  Anna \n Berg ")
    assert hand_overs.of_client(store, "t-1")[0].to_whom == "Anna Berg"


@pytest.mark.parametrize("way", Way)
def test_every_way_has_a_name(store: Store, way: Way) -> None:
    note(store, how=way)
    assert hand_overs.of_client(store, "t-1")[0].how == way.label


def test_an_unknown_way_is_told_as_it_was_noted(store: Store) -> None:
    with store.write() as session:
        session.add(
            HandOverRow(
                external_tenant_id="t-1",
                handed_over_at=NOW,
                to_whom="Anna",
                how="pigeon",
                noted_by="dora",
                noted_at=NOW,
            )
        )
    (told,) = hand_overs.of_client(store, "t-1")
    assert (told.how, told.url) == ("pigeon", None)


def test_readers_see_a_new_hand_over(store: Store) -> None:
    before = store.revision()
    note(store)
    assert store.revision() > before


def test_the_last_of_many_clients_is_found(store: Store) -> None:
    many = [f"t-{number}" for number in range(2 * KEYS_A_QUERY + 1)]
    for tenant_id in (many[0], many[-1]):
        note(store, tenant_id, at=NOW - 2 * HOUR, to_whom="Earlier")
        note(store, tenant_id, to_whom="Later")
    with store.read() as session:
        last = stored.last_of(session, many)
    assert {tenant_id: row.to_whom for tenant_id, row in last.items()} == {
        many[0]: "Later",
        many[-1]: "Later",
    }
