"""Every page, at a desk and on a phone, light and dark, is drawn whole and says nothing wrong."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote

import pytest
from running import Reader

PAGES = {
    "overview": "",
    "onboarding": "onboarding",
    "link_requests": "link_requests",
    "cases": "cases",
    "revenue": "revenue",
    "white_label": "white_label",
    "activity": "activity?run=1",
    "activity_changes": "activity?activity_part=What+changed",
    "activity_webhooks": "activity?activity_part=Webhooks",
    "activity_audit": "activity?activity_part=Audit+log",
    "settings": "settings",
    "link_request": "link_requests?tenant=platform-4201",
    "client": "client?tenant={tenant}",
    "case": "cases?case={case}",
}


@pytest.fixture(scope="session")
def ids(served: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A client with much to show, and a case of it."""
    files = list(tmp_path_factory.getbasetemp().glob("served*/sandbox.sqlite"))
    with closing(sqlite3.connect(files[-1])) as store:
        tenant, case = store.execute(
            "SELECT c.external_tenant_id, MIN(t.case_id) FROM clients c "
            "JOIN transactions t USING (external_tenant_id) "
            "GROUP BY 1 ORDER BY c.onboarding_url IS NULL, COUNT(*) DESC LIMIT 1"
        ).fetchone()
    return {"tenant": quote(tenant, safe=""), "case": quote(case, safe="")}


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_drawn_whole_and_within_its_width(
    reader_at: Callable[..., Reader],
    served: str,
    ids: dict[str, str],
    page: str,
    size: str,
) -> None:
    reader = reader_at(served, size)
    reader.open(PAGES[page].format(**ids))
    for scheme in ("light", "dark"):
        reader.prefer(scheme)
        reader.look_for_alarms()
        reader.take_picture(f"{page}-{size}-{scheme}")
