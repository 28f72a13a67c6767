"""The pages that clients open, from the link that they were given to the signature."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sandbox_bodies import case_body, client_body
from sandbox_browser import Browser, Page
from sandbox_running import Clock, Running, options

from services.sandbox import World, serving
from services.sandbox.model import Client
from services.sandbox.world import WorldEvent

APP = "https://app.example/debt?tab=1&x=ä"
HOSTILE_URLS = (
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example/",
    "https://app.example@evil.example/",
    "https://app.example/\r\nX-Evil: 1",
)


@pytest.fixture
def served() -> Iterator[Running]:
    """A small sandbox behind a socket, as a browser finds it."""
    wanted = options(clients=60, cases=240, transactions=300)
    clock = Clock()
    world = World.generate(wanted, clock)
    with serving(world, wanted) as url, httpx.Client() as http:
        yield Running(world, clock, url, http)


@pytest.fixture
def browser(running: Running) -> Browser:
    return Browser(running.http)


@pytest.fixture
def told(running: Running) -> list[WorldEvent]:
    """What the world has told of since."""
    events: list[WorldEvent] = []
    running.world.listeners.append(events.append)
    return events


def invite(running: Running, body: dict[str, Any]) -> str:
    """The link that POST /clients gives for a client."""
    answered = running.referral("POST", "/clients", json=body).json()
    links = answered.get("onboardingLinks") or answered["data"]["onboardingLinks"]
    return str(links["url"])


def new_client(running: Running, **more: Any) -> tuple[str, Client]:
    """A client that has still to be onboarded, and its link."""
    details = {
        "registrationNumber": "DK12345678",
        "address": "Harbour Lane 7",
        "zipCode": "2100",
        "city": "Copenhagen",
    }
    url = invite(running, client_body("acme", **details, **more))
    client = running.world.client("acme")
    assert client is not None
    return url, client


def code_on(page: Page) -> str:
    found = re.search(r"instead of being sent: (\d{6})", page.words)
    assert found
    return found[1]


def sign(browser: Browser) -> Page:
    return browser.send(agreed="yes", code=code_on(browser.page))


def to_the_agreement(browser: Browser, url: str) -> Page:
    browser.open(url)
    browser.send()
    return browser.send()


def names(told: list[WorldEvent]) -> list[str]:
    return [event.name for event in told]


def test_a_new_client_signs(served: Running) -> None:
    told: list[WorldEvent] = []
    served.world.listeners.append(told.append)
    browser = Browser(served.http)
    url, client = new_client(served)
    page = browser.open(f"{url}?{urlencode({'returnUrl': APP})}")
    assert page.heading == "Check your company details"
    assert page.fields["country"] == "Denmark"
    assert "Ledgerleaf Software ApS" in page.words
    page = browser.send(name=" Acme  Bakery ", email="hello@acme.example")
    assert page.heading == "Check who works with us"
    page = browser.send(user_0="Ada Elm")
    assert page.heading == "Read and sign the agreement"
    assert "Signing as Ada Elm for Acme Bakery." in page.words
    assert not client.signed
    page = sign(browser)
    assert page.heading == "All done"
    assert page.links["Go back to your app"]["href"] == APP
    assert client.signed
    assert names(told) == ["client.onboarding.contract_signed"]
    seen = served.referral("GET", "/clients/acme").json()
    assert seen["onboardingDone"] is True
    assert seen["client"]["companyName"] == "Acme Bakery"
    assert seen["client"]["officeEmail"] == "hello@acme.example"
    assert seen["users"][0]["lastName"] == "Elm"


def test_corrections_reach_lists_that_were_read_before(running: Running, browser: Browser) -> None:
    url, _ = new_client(running)

    def found() -> int:
        answer = running.referral("GET", "/clients", params={"Query": "Bageri"})
        return int(answer.json()["page"]["totalResults"])

    before = found()
    browser.open(url)
    browser.send(name="Acme Bageri")
    assert found() == before + 1


def test_sending_twice_is_harmless(
    running: Running, browser: Browser, told: list[WorldEvent]
) -> None:
    agency = next(a for a in running.world.agencies.values() if a.needs_poa)
    url, client = new_client(running)
    to_the_agreement(browser, url)
    sent = {"agreed": "yes", "code": code_on(browser.page)}
    signing = str(browser.answer.url)
    client.pending_poa = agency.id
    for _ in range(2):
        browser.post(signing, data=sent)
        assert browser.path == f"/flow/done/{client.link_id}"
    assert names(told) == ["client.onboarding.contract_signed"]
    assert client.poa_agencies == []
    page = browser.post(url, data={"name": "Somebody else"})
    assert page.heading == "One more signature"
    assert client.name == "Company acme"


def test_a_signed_client_is_done_on_every_page(running: Running, browser: Browser) -> None:
    client = next(c for c in running.world.clients if c.signed and not c.pending_poa)
    for page in ("companydetails", "users", "sign", "done", "ContractUpgrade/Sign"):
        shown = browser.open(f"{running.url}/flow/{page}/{client.link_id}")
        assert (shown.heading, browser.answer.status_code) == ("All done", 200)


def test_a_step_cannot_be_left_out(running: Running, browser: Browser) -> None:
    url = invite(running, client_body("bare"))
    client = running.world.client("bare")
    assert client is not None
    for step in ("sign", "done", "ContractUpgrade/Sign"):
        page = browser.open(f"{running.url}/flow/{step}/{client.link_id}")
        assert page.heading == "Check your company details"
    browser.post(f"{running.url}/flow/sign/{client.link_id}", data={"agreed": "yes"})
    assert browser.path == f"/flow/companydetails/{client.link_id}"
    assert url.endswith(browser.path)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", " ", "Enter the company name."),
        ("name", "x" * 256, "Shorten the company name to at most 255 characters."),
        ("name", "a\x00b", "Write the company name without hidden characters."),
        ("address", "", "Enter the street and number."),
        ("zip_code", "9" * 21, "Shorten the zip code to at most 20 characters."),
        ("email", "nobody", "Write the e-mail address like name@company.com."),
        ("country", "Atlantis", "Choose the country from the list."),
    ],
)
def test_company_details_are_checked(
    running: Running, browser: Browser, field: str, typed: str, sentence: str
) -> None:
    url, client = new_client(running)
    before = repr(client)
    browser.open(url)
    page = browser.send(city="Aarhus", **{field: typed})
    assert browser.answer.status_code == 422
    assert sentence in page.words
    assert page.fields["city"] == "Aarhus"
    assert repr(client) == before
    assert browser.send(**{field: "Denmark" if field == "country" else "a@b.example"}).heading == (
        "Check who works with us"
    )


def test_an_empty_post_names_every_field(running: Running, browser: Browser) -> None:
    url, _ = new_client(running)
    assert browser.post(url).words.count("Enter the") == 2 * 7


def test_users_need_names(running: Running, browser: Browser) -> None:
    url, client = new_client(running)
    browser.open(url)
    browser.send()
    page = browser.send(user_0=" ")
    assert browser.answer.status_code == 422
    assert "Enter the name of office@acme.example." in page.words
    assert client.users[0].name == "Ada Holm"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"agreed": "yes", "code": "000000"}, "This code is not right. Check it and try again."),
        ({"agreed": "yes", "code": "ä"}, "This code is not right. Check it and try again."),
        ({"agreed": "yes", "code": ""}, "Enter the six-digit code."),
        ({"code": "000000"}, "Tick the box to say that you have read it."),
    ],
)
def test_nothing_is_signed_without_consent_and_code(
    running: Running, browser: Browser, typed: dict[str, str], sentence: str
) -> None:
    url, client = new_client(running)
    right = code_on(to_the_agreement(browser, url))
    page = browser.send(**typed)
    assert browser.answer.status_code == 422
    assert sentence in page.words
    assert page.fields == {
        **({"agreed": "yes"} if "agreed" in typed else {}),
        "code": typed["code"],
    }
    assert not client.signed
    browser.send(agreed="yes", code=f" {right[:3]} {right[3:]} ")
    assert client.signed


def test_codes_differ_between_clients(running: Running, browser: Browser) -> None:
    waiting = [c for c in running.world.clients if not c.signed and not c.signed_before]
    codes = {
        code_on(browser.open(f"{running.url}/flow/sign/{client.link_id}")) for client in waiting
    }
    assert len(codes) == len(waiting) > 1


def test_a_contract_upgrade(running: Running, browser: Browser, told: list[WorldEvent]) -> None:
    client = next(c for c in running.world.clients if c.signed and not c.pending_poa)
    running.world.require_contract_upgrade(client)
    seen = running.referral("GET", f"/clients/{client.tenant_id}").json()
    page = browser.open(seen["onboardingLinks"]["url"])
    assert page.heading == "Sign the new version of your agreement"
    page = browser.send(code="1")
    assert browser.answer.status_code == 422
    assert not client.signed
    assert sign(browser).heading == "All done"
    assert client.signed
    assert names(told) == ["client.onboarding.contract_signed"]


def test_a_full_link_of_a_client_that_signed_before_leads_to_the_upgrade(
    running: Running, browser: Browser
) -> None:
    client = next(c for c in running.world.clients if c.signed)
    running.world.require_contract_upgrade(client)
    browser.open(f"{running.url}/flow/companydetails/{client.link_id}")
    assert browser.path == f"/flow/ContractUpgrade/Sign/{client.link_id}"


def test_a_power_of_attorney(running: Running, browser: Browser, told: list[WorldEvent]) -> None:
    client = next(c for c in running.world.clients if c.signed and c.pending_poa)
    agency = running.world.agencies[client.pending_poa or ""]
    seen = running.referral("GET", f"/clients/{client.tenant_id}").json()
    page = browser.open(seen["onboardingLinks"]["url"])
    assert page.heading == "Sign a power of attorney"
    assert agency.name in page.words
    sent, url = {"agreed": "yes", "code": code_on(page)}, str(browser.answer.url)
    for _ in range(2):
        assert browser.post(url, data=sent).heading == "All done"
    assert client.poa_agencies.count(agency.id) == 1
    assert client.pending_poa is None
    assert names(told).count("client.onboarding.poa_signed") == 1
    waiting = [
        case
        for case in running.world.cases_of(client.tenant_id)
        if case.lifecycle == "PendingContractSigning"
    ]
    assert waiting == []


def test_a_power_of_attorney_that_nobody_waits_for(running: Running, browser: Browser) -> None:
    client = next(c for c in running.world.clients if c.signed and not c.pending_poa)
    agency = next(
        a
        for a in running.world.agencies.values()
        if a.needs_poa and a.id not in client.poa_agencies
    )
    url = f"{running.url}/flow/PowerOfAttorney/Sign/{client.link_id}"
    browser.open(f"{url}?collectionPartnerId={agency.id}")
    page = browser.send(agreed="yes", code="no")
    assert "This code is not right." in page.words
    assert sign(browser).heading == "All done"
    assert agency.id in client.poa_agencies


def test_the_agreement_comes_before_the_power_of_attorney(
    running: Running, browser: Browser, told: list[WorldEvent]
) -> None:
    agency = next(a for a in running.world.agencies.values() if a.needs_poa)
    _, client = new_client(running)
    query = urlencode({"collectionPartnerId": agency.id, "returnUrl": APP})
    poa = f"{running.url}/flow/PowerOfAttorney/Sign/{client.link_id}?{query}"
    page = to_the_agreement(browser, poa)
    assert page.heading == "Read and sign the agreement"
    page = sign(browser)
    assert page.heading == "One more signature"
    browser.open(f"{running.url}{page.links['Go on to the power of attorney']['href']}")
    page = sign(browser)
    assert page.links["Go back to your app"]["href"] == APP
    assert client.poa_agencies == [agency.id]
    assert names(told) == ["client.onboarding.contract_signed", "client.onboarding.poa_signed"]


def test_a_power_of_attorney_for_nobody_is_not_known(running: Running, browser: Browser) -> None:
    client = next(c for c in running.world.clients if c.signed and not c.pending_poa)
    url = f"{running.url}/flow/PowerOfAttorney/Sign/{client.link_id}"
    for query in ("", "?collectionPartnerId=nobody"):
        assert browser.open(f"{url}{query}").heading == "We do not know this link"
        assert browser.answer.status_code == 404


def test_approving_makes_the_client(
    running: Running, browser: Browser, told: list[WorldEvent]
) -> None:
    body = client_body("asked", email="owner@existing.example", cases=[case_body()])
    url = invite(running, body)
    page = browser.open(f"{url}&{urlencode({'returnUrl': APP})}")
    assert page.heading == "Ledgerleaf Software ApS asks to be linked to your account"
    assert "27 March 2026, 12:00 UTC" in page.words
    assert "1 case sent with this request is submitted at once." in page.words
    page = browser.send(decision="approve")
    assert page.heading == "You approved the link"
    assert page.links["Go back to your app"]["href"] == APP
    assert browser.answer.history[0].status_code == 303
    assert running.referral("GET", "/clients/asked").status_code == 200
    page = browser.post(url, data={"decision": "decline"})
    assert page.heading == "You approved the link"
    assert names(told) == ["client.link_requested", "client.linked", "case.created"]


def test_declining_changes_nothing_else(
    running: Running, browser: Browser, told: list[WorldEvent]
) -> None:
    url = invite(running, client_body("asked", email="owner@existing.example"))
    browser.open(url)
    assert browser.send(decision="decline").heading == "You declined the link"
    assert browser.post(url, data={"decision": "approve"}).heading == "You declined the link"
    assert running.world.client("asked") is None
    assert names(told) == ["client.link_requested", "client.link_declined"]


def test_an_answer_is_one_of_two(running: Running, browser: Browser) -> None:
    url = invite(running, client_body("asked", email="owner@existing.example"))
    page = browser.post(url, data={"decision": "perhaps"})
    assert "Choose whether to approve or to decline." in page.words
    assert running.world.link_requests[-1].outcome == "pending"


def test_too_late_is_said(running: Running, browser: Browser) -> None:
    url = invite(running, client_body("late", email="late@existing.example"))
    browser.open(url)
    running.clock.advance(days=8)
    assert browser.send(decision="approve").heading == "This request has expired"
    assert browser.open(url).heading == "This request has expired"
    assert running.world.client("late") is None


def test_an_older_request_names_the_newer(running: Running, browser: Browser) -> None:
    body = client_body("twice", email="owner@existing.example")
    first, second = invite(running, body), invite(running, body)
    assert browser.open(first).heading == "A newer request has taken its place"
    assert "asks to be linked" in browser.open(second).heading


def test_a_customer_number_in_use_cannot_be_linked(running: Running, browser: Browser) -> None:
    url = invite(running, client_body("asked", email="owner@existing.example"))
    invite(running, client_body("asked", email="other@new.example"))
    browser.open(url)
    page = browser.send(decision="approve")
    assert browser.answer.status_code == 409
    assert "linked already" in page.words
    assert running.world.link_requests[-1].outcome == "pending"
    assert browser.send(decision="decline").heading == "You declined the link"


@pytest.mark.parametrize(
    "path",
    [
        "companydetails/1",
        "companydetails/%3Cscript%3E",
        "users/a%2Fb",
        "sign/1",
        "done/1",
        "ContractUpgrade/Sign/1",
        "PowerOfAttorney/Sign/1",
        "ReferralPartner/Approve",
        "ReferralPartner/Approve?token=1",
        "nothing/at/all",
        "",
    ],
)
def test_unknown_links(running: Running, browser: Browser, path: str) -> None:
    for ask in (browser.open, browser.post):
        assert ask(f"{running.url}/flow/{path}").heading == "We do not know this link"
        assert browser.answer.status_code in (404, 405)


def test_a_withdrawn_client_s_link_is_not_known(running: Running, browser: Browser) -> None:
    url, client = new_client(running)
    browser.open(url)
    running.world.archive_client(client)
    assert browser.send().heading == "We do not know this link"


@pytest.mark.parametrize("hostile", HOSTILE_URLS)
def test_hostile_return_urls_are_left_out(running: Running, browser: Browser, hostile: str) -> None:
    url, client = new_client(running)
    to_the_agreement(browser, f"{url}?{urlencode({'returnUrl': hostile})}")
    page = sign(browser)
    assert page.heading == "All done"
    assert "Go back to your app" not in page.words
    assert str(browser.answer.url) == f"{running.url}/flow/done/{client.link_id}"
    assert {answer.url.host for answer in browser.answer.history} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(
    running: Running, browser: Browser, headers: dict[str, str]
) -> None:
    url = invite(running, client_body("asked", email="owner@existing.example"))
    page = browser.post(url, data={"decision": "approve"}, headers=headers)
    assert (page.heading, browser.answer.status_code) == ("Your session has ended", 403)
    assert running.world.client("asked") is None


@pytest.mark.parametrize(
    "headers", [{"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_forms_of_our_own_are_taken(
    running: Running, browser: Browser, headers: dict[str, str]
) -> None:
    url = invite(running, client_body("asked", email="owner@existing.example"))
    browser.post(url, data={"decision": "approve"}, headers={"Origin": running.url, **headers})
    assert running.world.client("asked") is not None


def test_files_are_not_taken(running: Running, browser: Browser) -> None:
    url, _ = new_client(running)
    page = browser.post(url, files={"name": b"x"})
    assert (page.heading, browser.answer.status_code) == ("Your session has ended", 400)


def test_what_clients_are_called_is_text(running: Running, browser: Browser) -> None:
    evil = "</style><script>alert(1)</script>"
    url, client = new_client(running)
    client.name = client.users[0].name = evil
    page = to_the_agreement(browser, url)
    assert f"Signing as {evil} for {evil}." in page.words
    assert "script" not in [tag for tag, _ in page.tags]


def test_every_answer_is_guarded(served: Running) -> None:
    browser = Browser(served.http)
    url, _ = new_client(served)
    browser.open(url)
    pages = [browser.answer, served.http.get(f"{served.url}/flow/nothing")]
    redirect = served.http.post(url, data=browser.page.fields)
    assert redirect.status_code == 303
    for answer in (*pages, redirect):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    for answer in pages:
        style = answer.text.partition("<style>")[2].partition("</style>")[0]
        style_hash = b64encode(sha256(style.encode()).digest()).decode()
        assert answer.headers["Content-Security-Policy"].split("; ") == [
            "default-src 'none'",
            f"style-src 'sha256-{style_hash}'",
            "img-src https: data: http://127.0.0.1:* http://localhost:*",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self' http://127.0.0.1:* http://localhost:*",
        ]


def test_pages_wear_the_branding_of_the_api(running: Running, browser: Browser) -> None:
    me = running.referral("GET", "/me").json()
    url, _ = new_client(running)
    page = browser.open(url)
    assert me["companyName"] in page.words
    colors = (me["backgroundColorCode"].lower(), me["fontColor"].lower())
    assert f"--brand-background:{colors[0]};--brand-text:{colors[1]};" in browser.answer.text
