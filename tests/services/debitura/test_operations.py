"""Every operation: what is sent, and that the answer is read."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from wire_fakes import (
    CASE,
    CLIENT,
    CUSTOMER_OPERATIONS,
    KEY,
    KYC,
    NEW_CASE,
    NEW_CLIENT,
    PAGE,
    REFERRAL_OPERATIONS,
    TRANSACTION,
    Operation,
    customer,
    html,
    referral,
    reply,
)

from services.debitura import (
    ClientOnboarding,
    ClientReady,
    Conflict,
    LinkRefused,
    LinkRequested,
    UnexpectedAnswer,
)
from services.debitura.enums import ConflictType, KycVerificationStatus, Lifecycle, RevenueBucket


@pytest.mark.parametrize("operation", REFERRAL_OPERATIONS, ids=lambda o: o.name)
def test_a_referral_operation_sends_its_method_path_and_key(operation: Operation) -> None:
    api, wire = referral(reply(operation.status, operation.answer))
    answer = operation.invoke(api)
    assert (answer is None) == (operation.answer is None)
    assert wire.last.method == operation.method
    assert wire.last.url.raw_path.partition(b"?")[0].decode() == "/referral" + operation.path()
    assert wire.last.headers["XApiKey"] == KEY
    assert "authorization" not in wire.last.headers


@pytest.mark.parametrize("operation", CUSTOMER_OPERATIONS, ids=lambda o: o.name)
def test_a_customer_operation_sends_its_method_path_and_token(operation: Operation) -> None:
    client, wire = customer(reply(operation.status, operation.answer))
    assert operation.invoke(client) is not None
    assert wire.last.method == operation.method
    assert wire.last.url.raw_path.partition(b"?")[0].decode() == "/customer" + operation.path()
    assert wire.last.headers["Authorization"] == "Bearer token-1"
    assert "xapikey" not in wire.last.headers


def query_sent(wire: object) -> dict[str, list[str]]:
    return parse_qs(wire.last.url.query.decode(), keep_blank_values=True)


def test_clients_are_asked_for_by_page_and_filter() -> None:
    api, wire = referral(reply(200, {"page": PAGE, "clients": [CLIENT], "summary": None}))
    api.clients(3, 20, tenant_id="a+b &ü", is_attributed_client=False, linked_to=date(2026, 2, 1))
    assert query_sent(wire) == {
        "Page": ["3"],
        "PageSize": ["20"],
        "ExternalTenantId": ["a+b &ü"],
        "IsAttributedClient": ["false"],
        "DateCreatedTo": ["2026-02-01"],
    }


def test_lists_in_filters_repeat_their_name_and_times_are_utc() -> None:
    api, wire = referral(reply(200, {"page": PAGE, "cases": []}))
    api.cases(
        statuses=[Lifecycle.NEEDS_ADDITIONAL_DETAILS, "Collecting Quotes"],
        created_from=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
        created_to=datetime(2026, 1, 2),  # noqa: DTZ001 - one without a zone is the subject
    )
    sent = query_sent(wire)
    assert sent["Statuses"] == ["NeedsAdditionalDetails", "Collecting Quotes"]
    assert sent["FromDate"] == ["2025-12-31T23:00:00Z"]
    assert sent["ToDate"] == ["2026-01-02T00:00:00Z"]


def test_transaction_filters_are_sent_as_numbers() -> None:
    api, wire = referral(reply(200, {"page": PAGE, "data": []}))
    api.transactions(buckets=list(RevenueBucket))
    assert query_sent(wire)["RevenueStages"] == ["0", "1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(("page", "size"), [(0, 100), (1, 0), (1, 101)])
def test_a_page_outside_the_bounds_is_our_own_mistake(page: int, size: int) -> None:
    api, wire = referral(reply(200, {}))
    with pytest.raises(ValueError, match="pages count from 1"):
        api.clients(page, size)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("tenant_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("%2e%2e", "%252e%252e"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("100%", "100%25"),
        ("ÆøÅ", "%C3%86%C3%B8%C3%85"),
        ("ACME~x", "ACME~x"),
        ("a;b=c:@,+", "a%3Bb%3Dc%3A%40%2C%2B"),
        ("../../me", "..%2F..%2Fme"),
    ],
)
def test_any_tenant_id_stays_one_segment(tenant_id: str, segment: str) -> None:
    api, wire = referral(reply(200, CLIENT), reply(204))
    api.client(tenant_id)
    assert wire.last.url.raw_path.decode() == f"/referral/clients/{segment}"
    api.withdraw_client(tenant_id)
    assert wire.last.url.raw_path.decode() == f"/referral/clients/{segment}/withdraw"


def test_an_empty_id_does_not_name_the_list() -> None:
    api, wire = referral(reply(204))
    with pytest.raises(ValueError, match="empty"):
        api.delete_client("")
    assert wire.requests == []


class TestCreateClient:
    def test_201_is_ready(self) -> None:
        api, wire = referral(reply(201, CLIENT))
        result = api.create_client(NEW_CLIENT)
        assert isinstance(result, ClientReady)
        assert result.client.tenant_id == "acme"
        # The amount goes out with the digits it was given, not through a float.
        assert b'"amountToRecover":1000.10,' in wire.last.content
        assert b'"dueDate":"2026-01-31T00:00:00Z"' in wire.last.content

    def test_202_is_onboarding_with_its_page(self) -> None:
        api, _ = referral(reply(202, CLIENT | {"onboardingLinks": {"url": "https://on/1"}}))
        result = api.create_client(NEW_CLIENT)
        assert isinstance(result, ClientOnboarding)
        assert result.url == "https://on/1"
        assert repr(ClientOnboarding(result.client, "https://on/2")).count("on/2") == 0

    def test_409_needing_a_link_is_a_request(self) -> None:
        data = {"externalTenantId": "acme", "onboardingLinks": {"url": "https://approve?token=x"}}
        body = {"type": "ClientExistsNeedsLinking", "message": "exists", "data": data}
        api, _ = referral(reply(409, body))
        result = api.create_client(NEW_CLIENT)
        assert result == LinkRequested("acme", "https://approve?token=x", "exists")
        assert "token" not in repr(result)

    def test_409_needing_a_link_may_lack_its_data(self) -> None:
        api, _ = referral(reply(409, {"type": "ClientExistsNeedsLinking", "data": None}))
        assert api.create_client(NEW_CLIENT) == LinkRequested("acme", None)

    @pytest.mark.parametrize(
        ("told", "kind"),
        [
            ("ClientAlreadyLinkedToAnotherPartner", ConflictType.LINKED_TO_ANOTHER_PARTNER),
            ("AlreadyLinkedToAnotherPartner", ConflictType.LINKED_TO_ANOTHER_PARTNER),
            ("AlreadyLinkedDifferentTenant", ConflictType.LINKED_DIFFERENT_TENANT),
            ("InvalidClientType", ConflictType.INVALID_CLIENT_TYPE),
            ("SomethingNew", "SomethingNew"),
        ],
    )
    def test_other_409_are_refusals(self, told: str, kind: str) -> None:
        api, _ = referral(reply(409, {"type": told, "message": "no"}))
        assert api.create_client(NEW_CLIENT) == LinkRefused("acme", kind, "no")

    @pytest.mark.parametrize("body", [{"message": "no"}, None])
    def test_409_without_a_type_is_an_error(self, body: object) -> None:
        api, _ = referral(reply(409, body))
        with pytest.raises((Conflict, UnexpectedAnswer)):
            api.create_client(NEW_CLIENT)

    def test_200_is_not_in_the_contract(self) -> None:
        api, _ = referral(reply(200, CLIENT))
        with pytest.raises(UnexpectedAnswer) as raised:
            api.create_client(NEW_CLIENT)
        assert raised.value.outcome_unknown

    def test_results_of_its_cases_are_told(self) -> None:
        failed = {"caseIndex": 0, "errorType": "NoPartnerAvailable", "validationErrors": None}
        results = {"successfulCases": [CASE], "failedCases": [failed]}
        api, _ = referral(reply(201, CLIENT | {"caseResults": results}))
        told = api.create_client(NEW_CLIENT).client.case_results
        assert [case.id for case in told.successful_cases] == ["c1"]
        assert told.failed_cases[0].error_type == "NoPartnerAvailable"


def test_kyc_is_sent_once_and_nothing_of_the_director_comes_back() -> None:
    answer = {
        "directorFullName": "Dora Director",
        "directorHomeAddress": "Hidden Street 1",
        "directorDateOfBirth": "1970-01-02",
        "verificationStatus": "Processing",
        "dateCreated": "2026-01-01T00:00:00",
    }
    api, wire = referral(reply(201, answer))
    receipt = api.submit_kyc("acme", KYC)
    assert receipt.verification_status is KycVerificationStatus.PROCESSING
    assert receipt.date_created == datetime(2026, 1, 1, tzinfo=UTC)
    assert b'"directorDateOfBirth":"1970-01-02"' in wire.last.content
    assert query_sent(wire) == {"sendChatNotification": ["true"]}
    assert "Dora" not in repr(receipt) + repr(KYC)
    assert "Hidden" not in repr(KYC)


def test_a_director_never_leaves_this_package() -> None:
    director = {"directorFullName": "Dora Director"}
    rows = [CLIENT | {"kycVerification": director}, {"KycVerification": director, "users": []}]
    api, _ = referral(reply(200, {"page": PAGE, "clients": rows}), reply(200, rows[0]))
    page = api.clients()
    assert page.raw_rows == [CLIENT]
    assert [rejected.raw for rejected in page.rejected] == [{"users": []}]
    assert "Dora" not in repr(page) + repr(api.client("acme").raw)


def test_files_go_as_multipart_with_the_names_of_each_contract() -> None:
    api, wire = referral(reply(200))
    api.upload_file("c1", "Rechnung ü.pdf", b"%PDF-\x00", media_type="application/pdf")
    assert wire.last.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="Rechnung' in wire.last.content
    assert b"%PDF-\x00" in wire.last.content
    client, wire = customer(reply(200, {"id": "f1"}))
    client.upload_file("c1", "a.txt", b"text", description="Why")
    for part in (b'name="File"; filename="a.txt"', b'name="DocumentType"', b"OriginalInvoice"):
        assert part in wire.last.content


def test_an_undeclared_body_of_an_upload_is_passed_over() -> None:
    api, _ = referral(reply(200, text="Uploaded"))
    assert api.upload_file("c1", "a.pdf", b"x") is None


def test_another_clients_token_is_refused() -> None:
    api, _ = referral(reply(200, {"accessToken": "jwt", "externalTenantId": "ACME"}))
    with pytest.raises(UnexpectedAnswer, match="another client"):
        api.create_token("acme")


def test_a_case_may_be_created_with_a_key() -> None:
    client, wire = customer(reply(200, CASE))
    assert client.create_case(NEW_CASE, idempotency_key="k1").gross_amount == Decimal("10.5")
    assert wire.last.headers["Idempotency-Key"] == "k1"
    client.create_case(NEW_CASE)
    assert "idempotency-key" not in wire.last.headers


@pytest.mark.parametrize("key", ["", "k" * 256, "ü", "a\nb", " a"])
def test_a_key_that_cannot_be_sent_is_our_own_mistake(key: str) -> None:
    client, wire = customer(reply(200, CASE))
    with pytest.raises(ValueError, match="idempotency key"):
        client.create_case(NEW_CASE, idempotency_key=key)
    assert wire.requests == []


def test_bad_rows_do_not_stop_good_ones() -> None:
    rows = [TRANSACTION, {"transactionId": None}, "text", None, TRANSACTION | {"case": 5}]
    api, _ = referral(reply(200, {"page": PAGE, "data": rows}))
    page = api.transactions()
    assert [row.transaction_id for row in page.rows] == ["t1", "t1"]
    assert page.raw_rows[1]["case"] == 5
    assert [rejected.reason for rejected in page.rejected] == [
        "transactionId: missing",
        "it: model type",
        "it: model type",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"clients": []},
        {"page": None, "clients": []},
        {"page": {}, "clients": []},
        {"page": PAGE | {"totalResults": -1}, "clients": []},
        {"page": PAGE, "clients": {}},
        {"page": PAGE, "clients": "none"},
    ],
)
def test_a_list_that_does_not_tell_its_size_is_not_an_empty_one(body: object) -> None:
    api, _ = referral(reply(200, body))
    with pytest.raises(UnexpectedAnswer):
        api.clients()


def test_summaries_are_typed_and_may_be_absent() -> None:
    revenue = '{"paidReferralFeeUsd": 12.30, "paidCount": 4}'
    told = f'{{"page": {{"totalResults": 0}}, "data": null, "summary": {{"revenue": {revenue}}}}}'
    api, _ = referral(reply(200, text=told), reply(200, {"page": PAGE}))
    paid = api.transactions().summary.revenue.bucket(RevenueBucket.PAID)
    assert (str(paid.referral_fee_usd), paid.count) == ("12.30", 4)
    empty = api.transactions().summary.revenue.bucket(RevenueBucket.DISPUTED)
    assert (empty.referral_fee_usd, empty.count) == (None, None)


def test_bare_lists_may_be_null_but_not_something_else() -> None:
    api, _ = referral(reply(200, text="null"), reply(200, {}), html(200))
    assert api.coverage() == []
    with pytest.raises(UnexpectedAnswer):
        api.coverage()


def test_coverage_keeps_what_it_was_read_from() -> None:
    row = {"jurisdictionId": 7, "partners": None, "isNew": True}
    api, _ = referral(reply(200, [row]))
    (item,) = api.coverage()
    assert (item.jurisdiction_id, item.partners, item.raw) == (7, [], row)
