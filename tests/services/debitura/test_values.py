"""Values on the wire: money, times, enums, nulls, and what is wrong but can be left out."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from wire_fakes import CLIENT, NEW_CASE, referral, reply

from services.debitura import Case, Client, NewClient, NewClientDetails, NewClientUser, Transaction
from services.debitura.enums import (
    CaseFailure,
    CloseCode,
    CommissionPaymentStatus,
    ConflictType,
    EngagementPhase,
    KycStatus,
    Lifecycle,
    LifecycleGroup,
    NextActor,
    ReferralInvoicingStatus,
    RevenueBucket,
)
from services.debitura.schemas import AgedAmounts, NewChat, NewWebhook, WebhookChange
from services.debitura.wire import query_of, read_json, write_json

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
    lambda amount: abs(amount.adjusted()) < 60
)


@given(amounts)
def test_an_amount_arrives_digit_by_digit(amount: Decimal) -> None:
    text = f'{{"id": "c1", "grossAmount": {amount:f}, "remainder": "{amount:f}"}}'
    case = Case.received(read_json(text.encode()))
    assert case.gross_amount == case.remainder == amount
    assert (
        write_json(case.raw) == f'{{"id":"c1","grossAmount":{amount:f},"remainder":"{amount:f}"}}'
    )


@given(amounts)
def test_an_amount_is_sent_digit_by_digit(amount: Decimal) -> None:
    body = AgedAmounts(amount_to_recover=amount).body()
    assert json.loads(write_json(body), parse_float=Decimal, parse_int=Decimal) == {
        "amountToRecover": amount
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | amounts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_json_is_written_as_it_is_read(value: object) -> None:
    try:
        sent = write_json(value).encode()
    except UnicodeEncodeError:
        return
    read = read_json(sent)
    assert read == value or "\\ud" in sent.decode().lower()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", Decimal("1.10")),
        ("0.1", Decimal("0.1")),
        ("1e2", Decimal("1e2")),
        ("12345678901234567890.01", Decimal("12345678901234567890.01")),
        ("NaN", None),
        ("-Infinity", None),
        ("1e9999999999999999999999", None),
        ("9" * 5_000, None),
        ('"\\ud800x"', "\ufffdx"),
        ('"\\ud83d\\ude00"', "😀"),
        ('\ufeff"marked"', "marked"),
    ],
)
def test_odd_json_is_read(text: str, value: object) -> None:
    assert read_json(text.encode()) == value


@pytest.mark.parametrize("told", ["", " ", "many", "NaN", True, [], {}, "1,5"])
def test_an_amount_that_is_none_is_unknown_and_never_zero(told: object) -> None:
    assert Case.received({"id": "c1", "grossAmount": told}).gross_amount is None


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.1234567", datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)),
        ("2026-01-02T03:04:05.1+02:00", datetime(2026, 1, 2, 1, 4, 5, 100000, UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        (" 2026-01-02T03:04Z ", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59.9999999-12:00", None),
        ("1600-01-01T00:00:00Z", datetime(1600, 1, 1, tzinfo=UTC)),
        ("", None),
        ("soon", None),
        ("2026-13-45", None),
        (1_700_000_000, None),
        (Decimal("1.5"), None),
        ({}, None),
        (None, None),
    ],
)
def test_times_are_utc_or_unknown(told: object, moment: datetime | None) -> None:
    assert Case.received({"id": "c1", "dateCreated": told}).date_created == moment


@given(st.text(max_size=30) | st.datetimes().map(lambda moment: moment.isoformat()))
def test_no_text_for_a_time_is_a_crash(told: str) -> None:
    moment = Case.received({"id": "c1", "dueDate": told}).due_date
    assert moment is None or moment.tzinfo is UTC


LIFECYCLES = [
    ("PendingContractSigning", "Pending contract signing", "Pending", "client"),
    ("PendingVerificationInternal", "Pending Verification Internal", "Pending", "Debitura"),
    ("PendingVerification", "Pending Verification", "Pending", "collection partner"),
    ("NeedsAdditionalDetails", "More Info Required", "Pending", "client"),
    ("Leads", "Collecting Quotes", "Pending", "collection partner"),
    ("LeadsQuoteGiven", "Pending Quote Selection", "Pending", "client"),
    ("Active", "Active", "Active", "collection partner"),
    ("Paused", "Paused", "Paused", None),
    ("Closed", "Closed", "Closed", None),
    ("Merged", "Merged", "Closed", None),
]


@pytest.mark.parametrize(("name", "label", "group", "actor"), LIFECYCLES)
def test_a_lifecycle_is_known_by_name_and_label(
    name: str, label: str, group: str, actor: str | None
) -> None:
    lifecycle = Lifecycle(name)
    assert lifecycle.label == label
    assert lifecycle.group is LifecycleGroup(group)
    assert lifecycle.next_actor is (NextActor(actor) if actor else None)
    for told in (name, label, label.upper(), f" {label.replace(' ', '_')}"):
        assert Case.received({"id": "c1", "lifecycle": told}).lifecycle is lifecycle


def test_the_lifecycle_table_is_whole() -> None:
    assert [lifecycle.value for lifecycle in Lifecycle] == [name for name, *_ in LIFECYCLES]


@pytest.mark.parametrize(
    ("told", "lifecycle"),
    [
        ("Pending quote by partner", Lifecycle.LEADS),
        ("Quote given by partner", Lifecycle.LEADS_QUOTE_GIVEN),
    ],
)
def test_older_labels_are_understood(told: str, lifecycle: Lifecycle) -> None:
    assert Lifecycle(told) is lifecycle


@pytest.mark.parametrize("told", ["On hold", "", "closed?!x"])
def test_unknown_values_are_kept_as_they_came(told: str) -> None:
    case = Case.received(
        {"id": "c1", "lifecycle": told, "closeCode": told, "currentEngagementPhase": told}
    )
    assert (case.lifecycle, case.close_code, case.current_engagement_phase) == (told, told, told)
    assert not isinstance(case.lifecycle, Lifecycle)


@pytest.mark.parametrize("told", ["NotRequired", "not_required", "NOT-REQUIRED", "notRequired"])
def test_kyc_spellings_are_one(told: str) -> None:
    assert Client.received(CLIENT | {"kycStatus": told}).kyc_status is KycStatus.NOT_REQUIRED


def test_close_codes_whatever_their_dash() -> None:
    for told in ("Pre-Legal Exhausted – No Payment", "Pre-Legal Exhausted - no payment"):  # noqa: RUF001
        assert CloseCode(told) is CloseCode.PRE_LEGAL_EXHAUSTED
    assert {code for code in CloseCode if code.recovered} == {
        CloseCode.PAID,
        CloseCode.PARTIALLY_PAID,
    }


@pytest.mark.parametrize(
    "kind", [CloseCode, Lifecycle, KycStatus, EngagementPhase, ConflictType, CaseFailure]
)
def test_no_two_members_share_a_spelling(kind: type[CloseCode]) -> None:
    for member in kind:
        assert kind(member.value.upper()) is member


@pytest.mark.parametrize("told", [3, "3", "Disputed", "disputed"])
def test_statuses_are_known_by_name_and_number(told: object) -> None:
    row = {"transactionId": "t1", "status": {"referralInvoicingStatus": told}}
    status = Transaction.received(row).status
    assert status.referral_invoicing_status is ReferralInvoicingStatus.DISPUTED


def test_numbers_follow_the_contract() -> None:
    assert [bucket.number for bucket in RevenueBucket] == list(range(7))
    assert CommissionPaymentStatus.CREDITED.number == 2
    assert query_of({"a": RevenueBucket.PAID}) == [("a", "paid")]
    with pytest.raises(ValueError, match="9"):
        CommissionPaymentStatus(9)


def test_nulls_are_empty_lists_and_empty_parts() -> None:
    row = dict.fromkeys(("users", "client", "caseStats", "onboardingLinks", "dateLinked"))
    client = Client.received({"externalTenantId": "acme"} | row)
    assert client.users == []
    assert (client.client.company_name, client.case_stats.earnings_usd) == (None, None)
    assert client.raw == {"externalTenantId": "acme"} | row


def test_unreadable_parts_are_left_out_and_kept_in_raw() -> None:
    row = CLIENT | {
        "users": [{"id": "x", "email": 5}, 7, None, {"firstName": "Ann"}],
        "onboardingDone": "perhaps",
        "caseStats": [],
        "caseResults": {"successfulCases": [{"no": "id"}, {"id": "c1"}]},
    }
    client = Client.received(row)
    assert [(user.email, user.first_name) for user in client.users] == [
        ("5", None),
        (None, "Ann"),
    ]
    assert client.onboarding_done is None
    assert client.case_results is not None
    assert [case.id for case in client.case_results.successful_cases] == ["c1"]
    assert client.raw == row


@pytest.mark.parametrize("identity", [None, "", [], {}, True])
def test_a_row_without_its_identity_is_refused(identity: object) -> None:
    for model, name in ((Client, "externalTenantId"), (Case, "id"), (Transaction, "transactionId")):
        with pytest.raises(ValidationError) as raised:
            model.received({name: identity, "secret": "Ann"})
        assert "Ann" not in str(raised.value)


def test_an_id_keeps_its_case_and_its_spaces() -> None:
    assert Client.received({"externalTenantId": " AcMe "}).tenant_id == " AcMe "


def test_what_is_sent_is_checked_before() -> None:
    with pytest.raises(ValidationError, match="onboarding user"):
        NewClient(
            tenant_id="acme",
            client=NewClientDetails(name="A", country="Denmark", support_email="a@example.com"),
            users=[NewClientUser(name="A", email="a@x"), NewClientUser(name="B", email="b@x")],
        )
    with pytest.raises(ValidationError, match="sender"):
        NewChat(message="Hello")
    with pytest.raises(ValidationError, match="go together"):
        AgedAmounts(amount_to_recover=10, amount_to_recover_over12_months=5)
    with pytest.raises(ValidationError, match="older part"):
        AgedAmounts(
            amount_to_recover=10,
            amount_to_recover_over12_months=4,
            amount_to_recover_over24_months=5,
        )


@pytest.mark.parametrize(
    "url",
    [
        "https://dashboard.example.com",
        "https://dashboard.example.com:8443/a/b?c=d#e",
        "http://127.0.0.1:8501/webhooks/debitura",
        "http://localhost",
        "http://[::1]:8501/x",
    ],
)
def test_webhooks_go_to_https_or_to_this_machine(url: str) -> None:
    assert NewWebhook(url=url, events=["case.created"]).body()["url"] == url
    assert WebhookChange(url=url).body()["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com",
        "http://127.0.0.2/x",
        "http://127.0.0.1.example.com/x",
        "http://127.0.0.1@example.com/x",
        "http://localhost:80@example.com/x",
        "https://",
        "https:///x",
        "https://ann:s3cret@example.com/x",
        "https://example.com/a b",
        "https://example.com/\n",
        " https://example.com",
        "ftp://example.com",
        "https://example.com/" + "x" * 1024,
    ],
)
def test_webhooks_go_nowhere_else(url: str) -> None:
    for make in (lambda: NewWebhook(url=url, events=["a"]), lambda: WebhookChange(url=url)):
        with pytest.raises(ValidationError) as raised:
            make()
        assert "s3cret" not in str(raised.value)


def test_a_webhook_without_events_is_not_sent() -> None:
    with pytest.raises(ValidationError):
        NewWebhook(url="https://example.com", events=[])


def test_what_is_not_given_is_not_sent() -> None:
    assert WebhookChange(is_active=True).body() == {"isActive": True, "regenerateSecret": False}
    assert "comments" not in NEW_CASE.body()
    assert NEW_CASE.model_copy(update={"date": datetime(2026, 1, 1, tzinfo=UTC)}).body()[
        "date"
    ] == ("2026-01-01T00:00:00Z")
    assert query_of({"a": None, "b": [], "c": date(2026, 1, 1)}) == [("c", "2026-01-01")]


def test_pages_count_what_they_held() -> None:
    @given(st.lists(st.sampled_from([CLIENT, {}, None, 5, {"externalTenantId": "b"}])))
    def holds(rows: list[object]) -> None:
        page = {"totalResults": len(rows)}
        api, _ = referral(reply(200, {"page": page, "clients": rows}))
        got = api.clients()
        assert len(got.rows) + len(got.rejected) == len(rows) == got.page.total_results
        assert [row["externalTenantId"] for row in got.raw_rows] == [r.tenant_id for r in got.rows]

    holds()
