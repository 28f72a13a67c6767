"""Client onboarding: cohorts, medians, who is stuck by the limits that are set, and hand-overs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dashboard_reader import (
    AWKWARD,
    Product,
    assert_lists,
    chart_values,
    run,
    sql_time,
    table,
    text_of,
    this_hour,
)
from streamlit.testing.v1 import AppTest

from dashboard.components import colors
from services.domain.onboarding_stage import OnboardingStage

STUCK_AFTER = "PARTNER_DASHBOARD_STUCK_AFTER_DAYS"
CLIENT = "acme/eu/42"
LINK = "https://onboarding.debitura.com/companydetails/1"


def steps(app: AppTest) -> list[dict[str, Any]]:
    """The table beside the funnel, row by row."""
    rows: list[dict[str, Any]] = app.dataframe[0].value.to_dict("records")
    return rows


def total(product: Product, where: str = "TRUE", *values: Any) -> int:
    statement = f"SELECT COUNT(*) FROM clients WHERE archived_at IS NULL AND ({where})"
    return int(product.sql(statement, *values)[0])


def stuck_list(product: Product) -> AppTest:
    return product.open("onboarding", client_stuck="true")


def test_every_stage_has_a_colour_of_its_own() -> None:
    assert set(colors.ONBOARDING) == set(OnboardingStage)
    assert len(set(colors.ONBOARDING.values())) == len(OnboardingStage)


def test_clients_of_every_stage_are_drawn(product: Product) -> None:
    tenants = product.sql("SELECT external_tenant_id FROM clients ORDER BY 1")
    for tenant_id, stage in zip(tenants, OnboardingStage, strict=False):
        product.change(
            "UPDATE clients SET stage = ? WHERE external_tenant_id = ?", stage, tenant_id
        )
        assert not product.open("client", tenant=tenant_id).error
    app = product.open("onboarding")
    assert sum(chart_values(app, 1)) == len(tenants)
    assert len(chart_values(app, 1)) == len(OnboardingStage)


def test_the_steps_tell_the_same_as_the_funnel(product: Product) -> None:
    app = product.open("onboarding")
    assert [row["Clients"] for row in steps(app)] == chart_values(app)
    signed, everybody = chart_values(app)[1], chart_values(app)[0]
    assert steps(app)[1]["Of the step before"] == f"{signed / everybody:.0%}".replace("%", " %")


def test_the_steps_tell_the_median_days_and_of_how_many_they_are_known(product: Product) -> None:
    product.change("UPDATE clients SET signed_at = NULL, first_case_at = NULL")
    first_three = product.sql("SELECT external_tenant_id FROM clients ORDER BY 1 LIMIT 3")
    for tenant_id, days in zip(first_three, (1, 3, 20), strict=True):
        product.change(
            "UPDATE clients SET linked_at = ?, signed_at = ? WHERE external_tenant_id = ?",
            sql_time(datetime(2026, 1, 1, tzinfo=UTC)),
            sql_time(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)),
            tenant_id,
        )
    signed, first_case = steps(product.open("onboarding"))[1:3]
    assert (signed["Median days"], signed["Known of"]) == (3, 3)
    assert first_case["Known of"] == 0


def test_a_month_s_cohort_is_what_every_figure_is_about(product: Product) -> None:
    product.change("UPDATE clients SET linked_at = '2020-01-31 23:59:59.999999'")
    product.change(
        "UPDATE clients SET linked_at = '2020-02-01 00:00:00.000000', stage = 'created', "
        "furthest = 'created' WHERE external_tenant_id IN (?, ?)",
        *list(AWKWARD)[:2],
    )
    app = product.open("onboarding")
    app.selectbox(key="client_linked").set_value("February 2020")
    run(app)
    assert_lists(app, "clients", 2)
    assert chart_values(app) == [2, 0, 0, 0]
    assert chart_values(app, 1) == [2]
    assert_lists(product.open("onboarding", client_linked="February 2020"), "clients", 2)


def test_months_are_offered_back_to_the_first_client_s(product: Product) -> None:
    first = datetime.fromisoformat(product.sql("SELECT MIN(linked_at) FROM clients")[0])
    options = product.open("onboarding").selectbox(key="client_linked").options
    assert options[:2] == ["Any time", "Last 30 days"]
    assert options[5] == f"{datetime.now(UTC):%B %Y}"
    assert options[-1] == f"{first:%B %Y}"


def test_link_requests_stand_before_the_road(product: Product) -> None:
    links = [link for link in product.open("onboarding").page_link if "wait" in link.label]
    assert [link.proto.page for link in links] == ["link_requests"]
    assert "13" in links[0].label


@pytest.mark.parametrize("stage", ["archived", "withdrawn"])
def test_who_is_gone_is_counted_and_listed_when_chosen(product: Product, stage: str) -> None:
    product.change(
        "UPDATE clients SET stage = ?, archived_at = first_seen_at WHERE external_tenant_id = ?",
        stage,
        CLIENT,
    )
    app = product.open("onboarding")
    label = OnboardingStage(stage).label
    assert any(f"{label} 1" in caption.value for caption in app.caption)
    app.pills(key="client_stage").set_value([label])
    run(app)
    assert_lists(app, "clients", 1)


def test_the_stuck_list_begins_with_who_is_most_over_its_limit(product: Product) -> None:
    hour = this_hour()
    ages = {"created": 100, "kyc_pending": 101, "contract_signed": 102}
    product.change("UPDATE clients SET stage = 'first_case'")
    tenants = dict(zip(ages, AWKWARD, strict=False))
    for stage, age in ages.items():
        product.change(
            "UPDATE clients SET stage = ?, stage_since = ? WHERE external_tenant_id = ?",
            stage,
            sql_time(hour - timedelta(days=age)),
            tenants[stage],
        )
    app = stuck_list(product)
    assert_lists(app, "clients_stuck", 3)
    assert list(table(app)["Days over"]) == [93, 91, 72]
    assert list(table(app)["Client"]) == [AWKWARD[tenants[stage]] for stage in ages]


@pytest.mark.parametrize(
    ("limits", "where"),
    [
        ("created=3650, kyc_pending=1", "stage NOT IN ('created', 'contract_signed')"),
        # Who only has to bring a case is counted from when it was first seen.
        ("3650", "stage_since IS NULL AND stage <> 'contract_signed'"),
    ],
)
def test_the_limits_are_those_of_the_settings(
    product: Product, monkeypatch: pytest.MonkeyPatch, limits: str, where: str
) -> None:
    product.change(
        "UPDATE clients SET stage_since = '2020-01-01 00:00:00.000000' WHERE stage = 'kyc_pending'"
    )
    monkeypatch.setenv(STUCK_AFTER, limits)
    can_be_stuck = "stage NOT IN ('first_case', 'first_recovery')"
    expected = total(product, f"{can_be_stuck} AND ({where})")
    assert 0 < expected < total(product, can_be_stuck)
    assert_lists(stuck_list(product), "clients_stuck", expected)


def test_a_limit_that_cannot_be_used_is_said_instead_of_a_page(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STUCK_AFTER, "created=0")
    (error,) = product.open("onboarding").error
    assert text_of(error.value).startswith(f"{STUCK_AFTER} cannot be used: each limit")


def with_link(product: Product) -> None:
    product.change(
        "UPDATE clients SET stage = 'created', onboarding_url = ? WHERE external_tenant_id = ?",
        LINK,
        CLIENT,
    )


def dialog_of(product: Product) -> AppTest:
    """The client's page with the dialog open."""
    with_link(product)
    app = product.open("client", tenant=CLIENT)
    assert "hand_over_dialog_to" not in [each.key for each in app.text_input]
    app.button(key="open_hand_over").click()
    return run(app)


def submit(app: AppTest) -> AppTest:
    (button,) = (each for each in app.button if each.label == "Note the hand-over")
    button.click()
    return run(app)


def cells(app: AppTest) -> set[str]:
    return {str(cell) for each in app.table for cell in each.value.to_numpy().flatten()}


def test_the_dialog_shows_the_link_and_what_to_say_with_it(product: Product) -> None:
    app = dialog_of(product)
    assert [code.value for code in app.code].count(LINK) == 2
    assert any("please open the onboarding link" in each.value for each in app.markdown)


def test_a_hand_over_is_noted_and_shown_on_both_pages(product: Product) -> None:
    app = dialog_of(product)
    app.text_input(key="hand_over_dialog_to").set_value("Anna *Berg*")
    app.selectbox(key="hand_over_dialog_how").set_value("Phone")
    app.datetime_input(key="hand_over_dialog_at").set_value(datetime(2026, 3, 2, 9, 30))  # noqa: DTZ001
    submit(app)
    assert not app.error
    assert text_of(app.success[0].value) == "Noted that Anna *Berg* has the link."
    assert app.text_input(key="hand_over_dialog_to").value == ""
    noted = product.sql("SELECT url, handed_over_at, to_whom, how FROM hand_overs")
    assert noted == [(LINK, "2026-03-02 09:30:00.000000", "Anna *Berg*", "phone")]
    assert {"Link handed over", "Anna \\*Berg\\*, phone"} <= cells(
        product.open("client", tenant=CLIENT)
    )
    listed = table(product.open("onboarding", client_q=CLIENT))
    assert list(listed["Last handed over"]) == ["2 Mar 2026 to Anna *Berg*"]
    audited = product.sql("SELECT subject, outcome FROM audit_log WHERE action = 'note hand-over'")
    assert audited == [(CLIENT, "noted")]


def test_without_a_name_a_hand_over_is_refused_and_the_form_stays_filled(
    product: Product,
) -> None:
    app = dialog_of(product)
    app.text_input(key="hand_over_dialog_to").set_value("  ")
    app.selectbox(key="hand_over_dialog_how").set_value("Meeting")
    submit(app)
    assert len(app.error) == 1
    assert "to whom" in app.error[0].value
    assert app.selectbox(key="hand_over_dialog_how").value == "Meeting"
    assert product.sql("SELECT * FROM hand_overs") == []


def test_a_moment_to_come_is_refused(product: Product) -> None:
    app = dialog_of(product)
    tomorrow = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    app.text_input(key="hand_over_dialog_to").set_value("Anna")
    app.datetime_input(key="hand_over_dialog_at").set_value(tomorrow)
    submit(app)
    assert "future" in app.error[0].value
    assert app.text_input(key="hand_over_dialog_to").value == "Anna"
    assert product.sql("SELECT * FROM hand_overs") == []


def test_the_dialog_does_not_follow_to_another_page(product: Product) -> None:
    app = dialog_of(product)
    app.switch_page("views/onboarding.py")
    assert "hand_over_dialog_to" not in [each.key for each in run(app).text_input]


def test_a_link_request_s_link_can_be_handed_over_too(product: Product) -> None:
    tenant_id, url = product.sql(
        "SELECT external_tenant_id, approval_url FROM link_requests "
        "WHERE status = 'pending' AND external_tenant_id LIKE 'platform-%' LIMIT 1"
    )[0]
    app = product.open("client", tenant=tenant_id)
    app.button(key="open_hand_over").click()
    run(app)
    app.text_input(key="hand_over_dialog_to").set_value("Anna")
    submit(app)
    assert product.sql("SELECT external_tenant_id, url FROM hand_overs") == [(tenant_id, url)]
    assert "Link handed over" in cells(product.open("client", tenant=tenant_id))


def test_a_client_without_a_link_has_nothing_to_hand_over(product: Product) -> None:
    with_link(product)
    product.change("UPDATE clients SET onboarding_url = NULL")
    app = product.open("client", tenant=CLIENT)
    assert "open_hand_over" not in [button.key for button in app.button]
