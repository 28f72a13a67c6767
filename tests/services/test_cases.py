"""Cases: where they are, and what waits on whom."""

from services import cases
from services.cases import CaseFilter
from services.debitura.enums import Lifecycle
from services.domain.money import Money
from services.store import Store, Window
from tests import odd_rows
from tests.filling import case, fill


def test_the_pipeline_counts_every_case_once_in_the_order_of_the_road(store: Store) -> None:
    fill(store, cases=odd_rows.cases())
    steps = cases.pipeline(store, CaseFilter())
    assert sum(step.cases for step in steps) == len(odd_rows.cases())
    known = [step.name for step in steps if step.name in set(Lifecycle)]
    assert known == list(Lifecycle)
    assert [(step.label, step.group) for step in steps[-2:]] == [
        ("Awaiting the Oracle", "Other"),
        ("Not told", "Other"),
    ]


def test_open_cases_are_split_by_who_acts_next(store: Store) -> None:
    labels = [label for label, _ in odd_rows.LABELS]
    fill(store, cases=[case(str(n), lifecycle=label) for n, label in enumerate(labels)])
    assert cases.waiting_on(cases.pipeline(store, CaseFilter())) == {
        "Client": 4,
        "Debitura": 1,
        "Collection partner": 5,
        "Not known": 2,
    }


def test_amounts_are_never_added_across_currencies(store: Store) -> None:
    fill(
        store,
        cases=[
            case("1", currency="JPY", grossAmount=10, remainder=1),
            case("2", currency="KWD", grossAmount=1, remainder=None),
            case("3", currency="JPY", grossAmount=5, remainder=2),
        ],
    )
    totals = cases.totals_by_currency(store, CaseFilter())
    assert [(total.cases, total.gross, total.remainder) for total in totals] == [
        (2, Money("JPY", 15), Money("JPY", 3)),
        (1, Money("KWD", 1000), Money("KWD", 0)),
    ]


def test_unknown_values_are_shown_as_they_came_and_can_be_filtered_by(store: Store) -> None:
    fill(store, cases=odd_rows.cases())
    assert "Limbo" in cases.filter_choices(store).phases
    found = cases.list_cases(store, CaseFilter(lifecycles=("Awaiting the Oracle",)), Window())
    assert [row.lifecycle for row in found.rows] == ["Awaiting the Oracle"]
    assert found.rows[0].next_actor == "Not known"


def test_a_case_of_which_nothing_is_told_stands_in_for_itself(store: Store) -> None:
    fill(store, cases=[{"id": "bare"}])
    found = cases.case(store, "bare")
    assert found is not None
    assert (found.reference, found.client_name, found.gross) == ("bare", "Not told", None)
    assert cases.case(store, "never seen") is None


def test_filters_narrow_together(store: Store) -> None:
    fill(
        store,
        cases=[
            case("1", tenant_id="a", dateCreated="2026-01-01T00:00:00Z"),
            case("2", tenant_id="a", lifecycle="Closed"),
            case("3", tenant_id="b"),
        ],
    )
    wanted = CaseFilter(tenant_id="a", lifecycles=("Active",), currencies=("EUR",))
    found = cases.list_cases(store, wanted, Window())
    assert [row.id for row in found.rows] == ["1"]


def test_cases_can_be_narrowed_to_who_acts_next(store: Store) -> None:
    rows = [case("1"), case("2", lifecycle="Closed"), case("3", lifecycle="More Info Required")]
    fill(store, cases=rows)
    pipeline = cases.pipeline(store, CaseFilter())
    assert cases.lifecycles_of(pipeline, None, ()) == ()
    assert cases.lifecycles_of(pipeline, "Client", ()) == ("NeedsAdditionalDetails",)
    assert cases.lifecycles_of(pipeline, None, ("Active", "Closed")) == ("Active", "Closed")
    nothing = cases.lifecycles_of(pipeline, "Client", ("Active",))
    assert cases.count(store, CaseFilter(lifecycles=nothing)) == 0
