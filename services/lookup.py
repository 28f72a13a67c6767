"""Search over clients, cases and link requests, best match first."""

from dataclasses import dataclass
from enum import StrEnum

from services.store import Store, Window, cases, clients, link_requests
from services.store.cases import CaseFilter
from services.store.clients import ClientFilter
from services.store.link_requests import LinkRequestFilter
from services.store.text import fold

MIN_CHARACTERS = 2


class HitKind(StrEnum):
    CLIENT = "client"
    CASE = "case"
    LINK_REQUEST = "link request"


@dataclass(frozen=True)
class Hit:
    """Something found; ``id`` is the tenant id of a client or request, or the case's own id."""

    kind: HitKind
    id: str
    title: str
    detail: str


def search(store: Store, text: str, *, limit: int = 8) -> list[Hit]:
    """What ``text`` may mean: every word has to occur, in any order, case and accent.

    What begins with the text comes first, and among equals clients before link requests before
    cases. Fewer than two characters find nothing.
    """
    if len(fold(text)) < MIN_CHARACTERS:
        return []
    window = Window(size=limit)
    with store.read() as session:
        client_rows = [
            row
            for first in (True, False)
            for row in clients.page_of(
                session, ClientFilter(text=text, first_in_text=first, archived=True), window
            ).rows
        ]
        case_rows = [
            row
            for first in (True, False)
            for row in cases.page_of(
                session, CaseFilter(text=text, first_in_text=first, archived=True), window
            ).rows
        ]
        requests = link_requests.page_of(session, LinkRequestFilter(text=text), window).rows
    linked = {row.external_tenant_id for row in client_rows}
    hits = [
        Hit(
            HitKind.CLIENT,
            row.external_tenant_id,
            row.name or row.external_tenant_id,
            " · ".join(part for part in (row.email, row.country) if part),
        )
        for row in client_rows
    ]
    hits += [
        Hit(
            HitKind.LINK_REQUEST,
            row.external_tenant_id,
            row.company_name or row.external_tenant_id,
            f"Link request, {row.status}",
        )
        for row in requests
        if row.external_tenant_id not in linked
    ]
    hits += [
        Hit(
            HitKind.CASE,
            row.id,
            row.reference or row.id,
            " · ".join(part for part in (row.client_name, row.debtor_name) if part),
        )
        for row in case_rows
    ]
    # What begins with the text was read twice.
    different = dict.fromkeys(hits)
    # A stable sort: what starts with the text goes before what only holds it.
    wanted = fold(text)
    return sorted(different, key=lambda hit: not fold(hit.title).startswith(wanted))[:limit]
