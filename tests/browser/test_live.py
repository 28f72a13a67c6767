"""An open page follows what happens, while somebody reads it and types on it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from running import Reader, free_port, product

from tests.deliveries import body_of, event, signature

PATIENCE_MS = 30_000
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Living:
    """A product of its own, whose world these tests may change, and its sandbox."""

    url: str
    sandbox: str
    folder: Path

    def deliver(self, envelope: dict[str, object]) -> None:
        """Send an event as Debitura does; fails unless it is taken."""
        kept = json.loads((self.folder / "sandbox-webhook-secrets.json").read_text())
        secret = find_secret(kept)
        body = body_of(envelope)
        headers = {"X-Debitura-Signature": signature(body, secret=secret)}
        taken = httpx.post(
            f"{self.url}/webhooks/debitura", content=body, headers=headers, timeout=PATIENCE_S
        )
        assert taken.status_code == httpx.codes.OK, taken.text

    def clients(self, **query: object) -> list[dict[str, object]]:
        """Clients as the API of the sandbox lists them."""
        answer = httpx.get(
            f"{self.sandbox}/referral/clients",
            params={"PageSize": 100, **query},
            headers={"XApiKey": "sandbox"},
        )
        found: list[dict[str, object]] = answer.json()["clients"]
        return found


def find_secret(kept: object) -> str:
    """The first secret in the file that the dashboard keeps."""
    if isinstance(kept, dict):
        if isinstance(kept.get("secret"), str):
            return str(kept["secret"])
        kept = list(kept.values())
    found = (find_secret(each) for each in kept if isinstance(each, dict | list))  # type: ignore[union-attr]
    return next(filter(None, found), "")


@pytest.fixture(scope="module")
def living(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    folder = tmp_path_factory.mktemp("living")
    port = free_port()
    # No sync comes to help: what shows within the tests' patience came by a webhook.
    seldom = {"PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS": "3600"}
    with product(folder, sandbox_port=port, **seldom) as url:
        yield Living(url, f"http://127.0.0.1:{port}", folder)


@pytest.fixture
def beside(reader: Reader) -> Iterator[Page]:
    """A tab for the web flow, beside the reader's."""
    page = reader.page.context.new_page()
    yield page
    page.close()


@pytest.fixture
def reader(reader_at: Callable[..., Reader], living: Living) -> Reader:
    return reader_at(living.url)


def sign(flow: Page, url: str) -> None:
    """Go through the web flow as a client does."""
    flow.goto(url)
    for _ in range(2):
        flow.get_by_role("button").last.click()
    flow.get_by_role("checkbox").check()
    shown = flow.get_by_text("code is shown here").inner_text()
    code = next(word.strip(".") for word in shown.split() if word.strip(".").isdigit())
    flow.get_by_label("code", exact=False).fill(code)
    flow.get_by_role("button").last.click()
    expect(flow.get_by_role("heading", level=1)).to_be_visible()


def test_signing_in_the_web_flow_changes_the_page_that_is_open_beside_it(
    reader: Reader, beside: Page, living: Living
) -> None:
    waiting = next(
        each
        for each in living.clients(OnboardingDone="false")
        if "/companydetails/" in each["onboardingLinks"]["url"]  # type: ignore[index]
    )
    reader.open(f"client?tenant={waiting['externalTenantId']}")
    expect(reader.page.get_by_text("Contract signed").first).to_be_hidden()
    sign(beside, waiting["onboardingLinks"]["url"])  # type: ignore[index]
    expect(reader.page.get_by_text("Contract signed").first).to_be_visible(timeout=PATIENCE_MS)


def add_client(reader: Reader, tenant_id: str) -> str:
    """Fill the form for a company that has a Debitura account; gives the approval link."""
    reader.keyed("new_client_button").get_by_role("button").click()
    filled = {
        "name": f"{tenant_id} Holding",
        "tenant_id": tenant_id,
        "support_email": f"office-{tenant_id}@existing.example",
        "user_name": "Ada Owner",
        "user_email": f"ada-{tenant_id}@existing.example",
    }
    for field, text in filled.items():
        reader.keyed(f"new_client_{field}").locator("input").fill(text)
    reader.keyed("new_client_country").locator("input").fill("Denmark")
    reader.page.get_by_role("option", name="Denmark").click()
    reader.page.get_by_role("button", name="Send to Debitura").click()
    link = reader.page.get_by_text("ReferralPartner/Approve?token=").first
    expect(link).to_be_visible()
    shown = link.inner_text().strip()
    reader.page.keyboard.press("Escape")
    expect(reader.page.get_by_role("dialog")).to_have_count(0)
    return shown


def test_a_link_request_is_asked_approved_and_linked_while_the_page_is_open(
    reader: Reader, beside: Page
) -> None:
    reader.open("link_requests")
    approval = add_client(reader, "browser-1")
    reader.open("link_requests?request_q=browser-1")
    row = next(row for row in reader.cells() if "browser-1 Holding" in row)
    assert any("in 7 days" in cell or "in 6 days" in cell for cell in row), row
    reader.open("client?tenant=browser-1")
    expect(reader.page.get_by_text("has been asked to approve").first).to_be_visible()
    beside.goto(approval)
    beside.get_by_role("button", name="Approve").click()
    expect(beside.get_by_role("heading", level=1)).to_be_visible()
    expect(reader.page.get_by_text("Not attributed").first).to_be_visible(timeout=PATIENCE_MS)


def test_a_request_that_runs_out_is_on_the_work_list_and_asked_again_with_one_click(
    reader: Reader, living: Living
) -> None:
    reader.open("link_requests")
    add_client(reader, "browser-2")
    reader.open()
    item = reader.page.get_by_role("link", name="browser-2 Holding")
    expect(item).to_have_count(0)
    living.deliver(event("client.link_expired", "browser-2", at=None))
    expect(item).to_be_visible(timeout=PATIENCE_MS)
    reader.page.get_by_role("button", name="Ask again").click()
    expect(reader.page.get_by_text("A link request was made").first).to_be_visible()
    expect(item).to_have_count(0)


@contextmanager
def happening(living: Living, name: str) -> Iterator[None]:
    """Companies are asked elsewhere, more than twice a second."""
    ended = threading.Event()

    def happen() -> None:
        number = 0
        while not ended.wait(0.4):
            number += 1
            living.deliver(event("client.link_requested", f"{name}-{number}", at=None))

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_form_that_is_being_filled_is_left_alone_while_things_happen(
    reader: Reader, living: Living
) -> None:
    reader.open("link_requests")
    waiting = reader.page.locator('[data-testid="stMetric"]').first
    shown = waiting.inner_text()
    reader.keyed("new_client_button").get_by_role("button").click()
    field = reader.keyed("new_client_name").locator("input")
    field.wait_for()
    same = field.element_handle()
    with happening(living, "form"):
        field.press_sequentially("Slowly typed company", delay=300)
        expect(field).to_have_value("Slowly typed company")
        expect(field).to_be_focused()
    assert same.is_visible()
    assert waiting.inner_text() == shown
    reader.page.keyboard.press("Escape")
    expect(reader.page.get_by_role("dialog")).to_have_count(0)
    expect(waiting).not_to_have_text(shown)


def test_nothing_that_the_reader_does_is_lost_while_things_happen(
    reader: Reader, living: Living
) -> None:
    reader.page.set_viewport_size({"width": 1440, "height": 700})
    living.deliver(event("client.link_requested", "busy-0", at=None))
    reader.open("link_requests?request_q=busy-0")
    expect(reader.page.get_by_text("1 pending link requests")).to_be_visible()
    reader.open("link_requests?request_asker=elsewhere")
    reader.page.mouse.move(700, 400)
    reader.page.mouse.wheel(0, 200)
    where = "() => document.querySelector('[data-testid=\"stMain\"]').scrollTop"
    reader.page.wait_for_function(f"({where})() > 0")
    before = reader.page.evaluate(where)
    with happening(living, "busy"):
        field = reader.keyed("request_q").locator("input")
        field.press_sequentially("busy", delay=600)
        expect(field).to_have_value("busy")
        reader.page.wait_for_timeout(3000)
        expect(field).to_have_value("busy")
        expect(field).to_be_focused()
    assert abs(reader.page.evaluate(where) - before) <= 2
    expect(reader.keyed("request_asker")).to_contain_text("elsewhere")
