"""Every kind of failure becomes one error of the tree, and tells no secret."""

import inspect
import traceback

import httpx
import pytest
from wire_fakes import (
    CASE,
    CLIENT,
    CUSTOMER_URL,
    KEY,
    NEW_CASE,
    NEW_CLIENT,
    REFERRAL_URL,
    FakeTime,
    Wire,
    customer,
    html,
    referral,
    reply,
)

import services.debitura.errors as tree
from services.debitura import (
    ApiUnavailable,
    BusinessRuleRefused,
    Conflict,
    DebituraError,
    FileRefused,
    Forbidden,
    InvalidConfiguration,
    NotFound,
    RateLimited,
    ReferralPartnerApi,
    RetryPolicy,
    Unauthorized,
    UnexpectedAnswer,
    ValidationFailed,
)

ONCE = RetryPolicy(attempts=1)


def subclasses(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(deeper for each in kind.__subclasses__() for deeper in subclasses(each))]


def raised_by_httpx(kind: type[Exception]) -> Exception:
    takes = inspect.signature(kind.__init__).parameters
    return kind(f"refused header {KEY}") if "message" in takes or "args" in takes else kind()


@pytest.mark.parametrize(
    "kind",
    sorted(
        {*subclasses(httpx.RequestError), *subclasses(httpx.StreamError), httpx.InvalidURL},
        key=lambda kind: kind.__name__,
    ),
    ids=lambda kind: kind.__name__,
)
def test_every_error_of_httpx_is_mapped(kind: type[Exception]) -> None:
    api, _ = referral(raised_by_httpx(kind), retries=ONCE)
    with pytest.raises((ApiUnavailable, InvalidConfiguration)) as raised:
        api.client("acme")
    told = "".join(traceback.format_exception(raised.value))
    assert KEY not in told
    assert "httpx." not in type(raised.value).__module__


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, UnexpectedAnswer),
        (302, UnexpectedAnswer),
        (400, ValidationFailed),
        (401, Unauthorized),
        (402, UnexpectedAnswer),
        (403, Forbidden),
        (404, NotFound),
        (405, UnexpectedAnswer),
        (408, ApiUnavailable),
        (409, Conflict),
        (413, FileRefused),
        (415, FileRefused),
        (418, UnexpectedAnswer),
        (422, BusinessRuleRefused),
        (429, RateLimited),
        (500, ApiUnavailable),
        (503, ApiUnavailable),
        (599, ApiUnavailable),
    ],
)
@pytest.mark.parametrize("body", [None, {"message": "Ann <a@example.com>"}, ["odd"], "odd", 5])
def test_every_status_has_its_error(status: int, kind: type[DebituraError], body: object) -> None:
    api, _ = referral(reply(status, body), retries=ONCE)
    with pytest.raises(kind) as raised:
        api.withdraw_client("ann@example.com")
    error = raised.value
    assert type(error) is kind
    assert (error.method, error.status) == ("POST", status)
    assert error.path == "/clients/{externalTenantId}/withdraw"
    shown = str(error) + repr(error)
    assert "example.com" not in shown
    assert KEY not in shown
    assert str(error).endswith(".")
    assert "\n" not in str(error)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 422, 502])
def test_html_is_never_the_api(status: int) -> None:
    api, _ = referral(html(status), retries=ONCE)
    with pytest.raises(ApiUnavailable, match=str(status)) as raised:
        api.client("acme")
    assert raised.value.status == status


@pytest.mark.parametrize(("status", "kind"), [(413, FileRefused), (429, RateLimited)])
def test_too_large_and_too_many_mean_the_same_from_a_gateway(
    status: int, kind: type[DebituraError]
) -> None:
    api, _ = referral(html(status), retries=ONCE)
    with pytest.raises(kind):
        api.upload_file("c1", "a.pdf", b"x")


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_an_error_in_plain_text_is_not_the_apis(status: int) -> None:
    api, _ = referral(reply(status, text="404 page not found"), retries=ONCE)
    with pytest.raises(ApiUnavailable, match=str(status)):
        api.client("acme")


@pytest.mark.parametrize("text", ["{", "OK", "{'a': 1}", "[" * 100_000, '"\x00'])
def test_a_broken_body_is_not_the_api(text: str) -> None:
    api, wire = referral(reply(200, text=text))
    with pytest.raises(ApiUnavailable):
        api.me()
    assert len(wire.requests) == 4


def test_bytes_that_are_no_text_are_not_the_api() -> None:
    api, _ = referral(httpx.Response(200, content=b'"\xff"'))
    with pytest.raises(ApiUnavailable):
        api.me()


@pytest.mark.parametrize("body", [None, [], "text", 5, {"id": ""}, {"id": None}, {"id": {}}])
def test_an_answer_of_another_shape_is_unexpected(body: object) -> None:
    api, wire = referral(reply(200, body))
    with pytest.raises(UnexpectedAnswer):
        api.me()
    assert len(wire.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    api, wire = referral(httpx.Response(307, headers={"location": "https://elsewhere/"}))
    with pytest.raises(UnexpectedAnswer, match="redirect"):
        api.me()
    assert len(wire.requests) == 1


def test_field_errors_are_kept_and_only_their_names_are_told() -> None:
    errors = {"client.country": ["'Ruritania' is unknown"], "a@example.com": "odd"}
    api, _ = referral(reply(400, {"errors": errors, "message": "wrong"}))
    with pytest.raises(ValidationFailed, match=r"\(client\.country\)") as raised:
        api.create_client(NEW_CLIENT)
    assert raised.value.field_errors == {
        "client.country": ("'Ruritania' is unknown",),
        "a@example.com": ("odd",),
    }
    assert raised.value.detail == "wrong"


def test_a_business_rule_tells_its_types_and_the_signing_page() -> None:
    rule = {"type": "MissingPowerOfAttorney", "message": "Ann has to", "solutionUrl": "https://s"}
    body = {
        "businessErrors": [rule, None, 5],
        "signingHandoff": {"combinedSigningUrl": "https://c"},
    }
    client, _ = customer(reply(422, body))
    with pytest.raises(BusinessRuleRefused, match="MissingPowerOfAttorney") as raised:
        client.create_case(NEW_CASE)
    error = raised.value
    assert error.types == {"MissingPowerOfAttorney"}
    assert error.signing_url == "https://c"
    assert error.business_errors[0].message == "Ann has to"
    assert "Ann" not in str(error) + repr(error) + repr(error.business_errors)


def test_a_conflict_tells_its_type() -> None:
    api, _ = referral(reply(409, {"businessErrors": [{"type": "CasesInProgress"}]}))
    with pytest.raises(Conflict, match="CasesInProgress") as raised:
        api.withdraw_client("acme")
    assert raised.value.type == "CasesInProgress"


def test_a_write_that_may_have_happened_says_so() -> None:
    api, wire = referral(httpx.ReadTimeout("slow"))
    with pytest.raises(ApiUnavailable, match="not known whether") as raised:
        api.create_client(NEW_CLIENT)
    assert raised.value.outcome_unknown
    assert len(wire.requests) == 1


def test_a_write_that_was_never_sent_says_so() -> None:
    api, _ = referral(httpx.ConnectError("refused"))
    with pytest.raises(ApiUnavailable, match="try again") as raised:
        api.create_client(NEW_CLIENT)
    assert not raised.value.outcome_unknown


def test_a_later_failure_does_not_settle_an_earlier_doubt() -> None:
    client, wire = customer(httpx.ReadTimeout("slow"), httpx.ConnectError("refused"))
    with pytest.raises(ApiUnavailable) as raised:
        client.create_case(NEW_CASE, idempotency_key="k1")
    assert raised.value.outcome_unknown
    assert len(wire.requests) == 4


def test_an_endless_answer_is_given_up() -> None:
    time = FakeTime()

    def drip(_: httpx.Request) -> httpx.Response:
        def drops() -> object:
            while True:
                time.now += 7
                yield b" "

        return httpx.Response(200, content=drops())

    api, _ = referral(drip, time=time, retries=ONCE)
    with pytest.raises(ApiUnavailable, match="too long"):
        api.me()


def test_a_huge_answer_is_given_up() -> None:
    chunk = b" " * (8 * 1024 * 1024)
    api, _ = referral(lambda _: httpx.Response(200, content=iter([chunk] * 9)))
    with pytest.raises(UnexpectedAnswer, match="too large"):
        api.me()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "referral-api.debitura.com",
        "/referral",
        "ftp://example.com",
        "https://",
        "https:///x",
        "https://user:password@example.com",
        "https://example.com/?key=1",
        "https://example.com/#top",
        "http://example.com:99999",
        "http://[::1",
        "https://exa mple.com",
    ],
)
def test_a_base_url_that_cannot_be_used_is_told(url: str) -> None:
    with pytest.raises(InvalidConfiguration) as raised:
        ReferralPartnerApi(url, KEY)
    assert "password@" not in str(raised.value)


@pytest.mark.parametrize("url", [REFERRAL_URL, REFERRAL_URL + "/", f" {REFERRAL_URL}//"])
def test_a_base_url_keeps_its_prefix(url: str) -> None:
    wire = Wire(reply(200, CLIENT))
    with ReferralPartnerApi(url, KEY, transport=wire.transport) as api:
        api.client("acme")
    assert str(wire.last.url) == f"{REFERRAL_URL}/clients/acme"


@pytest.mark.parametrize("key", ["", "  ", "se\ncret", "clé"])
def test_a_key_that_cannot_be_sent_is_told_without_showing_it(key: str) -> None:
    with pytest.raises(InvalidConfiguration) as raised:
        ReferralPartnerApi(CUSTOMER_URL, key)
    assert not key.strip() or key not in str(raised.value)


def test_a_key_pasted_with_a_line_end_is_sent_without_it() -> None:
    wire = Wire(reply(200, CLIENT))
    api = ReferralPartnerApi(REFERRAL_URL, f"{KEY}\n", transport=wire.transport)
    api.client("acme")
    assert wire.last.headers["XApiKey"] == KEY
    assert KEY not in repr(vars(api))


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    monkeypatch.setenv("ALL_PROXY", "nonsense://proxy")
    ReferralPartnerApi(REFERRAL_URL, KEY).close()


def test_the_docstring_shows_the_tree() -> None:
    names = {kind.__name__ for kind in subclasses(DebituraError)}
    assert {name for name in names if name not in (tree.__doc__ or "")} == set()


def test_a_wrong_kind_of_case_is_still_an_answer() -> None:
    api, _ = referral(reply(200, CASE | {"client": [], "dueDate": "soon", "remainder": "many"}))
    case = api.case("c1")
    assert (case.client.tenant_id, case.due_date, case.remainder) == (None, None, None)
    assert case.raw["dueDate"] == "soon"
