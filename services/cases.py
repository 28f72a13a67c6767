"""Collection cases of all clients: where they are, and what waits on whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.debitura.enums import Lifecycle, LifecycleGroup, NextActor, WebhookEvent
from services.domain.money import Money, told
from services.store import Page, Store, Window
from services.store import cases as stored
from services.store.cases import CaseFilter
from services.store.selecting import NOTHING_FITS
from services.store.tables import CaseRow

__all__ = ["CaseFilter", "CaseSummary", "Lifecycle", "LifecycleCount", "LifecycleGroup"]

NOBODY = "Nobody"


@dataclass(frozen=True)
class CaseSummary:
    """A case as lists show it; amounts are in the case's own currency, None when not told."""

    id: str
    reference: str
    creditor_reference: str | None
    tenant_id: str | None
    client_name: str
    debtor_name: str | None
    debtor_country: str | None
    gross: Money | None
    remainder: Money | None
    lifecycle: str
    """The label to show; unknown ones as they came."""
    next_actor: str
    close_code: str | None
    engagement_phase: str | None
    created_at: datetime | None
    due_at: datetime | None
    collection_started_at: datetime | None
    finished_at: datetime | None
    lifecycle_since: datetime | None
    last_activity_at: datetime | None
    needs_info: bool
    collection_partner: str | None
    archived_at: datetime | None


@dataclass(frozen=True)
class LifecycleCount:
    """How many cases are in a lifecycle; ``name`` filters, ``label`` is shown."""

    name: str
    label: str
    group: str
    next_actor: str
    cases: int


@dataclass(frozen=True)
class CurrencyTotal:
    """The cases of one currency."""

    cases: int
    gross: Money
    remainder: Money


def lifecycle_label(name: str | None) -> str:
    """The words for a lifecycle; an unknown one is shown as it came."""
    known = _known(name)
    return known.label if known else (name or "Not told")


def list_cases(store: Store, wanted: CaseFilter, window: Window) -> Page[CaseSummary]:
    """A page of cases."""
    with store.read() as session:
        page = stored.page_of(session, wanted, window)
        return Page([_summary(row) for row in page.rows], page.total)


def case(store: Store, case_id: str) -> CaseSummary | None:
    """One case, archived or not; None where it was never seen."""
    with store.read() as session:
        row = stored.get(session, case_id)
    return None if row is None else _summary(row)


def count(store: Store, wanted: CaseFilter) -> int:
    """How many cases are wanted."""
    with store.read() as session:
        return stored.count(session, wanted)


def pipeline(store: Store, wanted: CaseFilter) -> list[LifecycleCount]:
    """Cases per lifecycle in the order they are passed through, unknown ones last."""
    with store.read() as session:
        found = stored.count_by_lifecycle(session, wanted)
    known = [name for name in Lifecycle if found.get(name)]
    others = sorted(str(name) for name in found if _known(name) is None and name)
    names: list[str | None] = [*known, *others]
    return [_lifecycle_count(name, found) for name in names] + (
        [_lifecycle_count(None, found)] if found.get(None) else []
    )


def lifecycles_of(
    pipeline: list[LifecycleCount], actor: str | None, chosen: tuple[str, ...]
) -> tuple[str, ...]:
    """The lifecycles that wait on ``actor`` and are among the chosen; None and () mean any."""
    if actor is None and not chosen:
        return ()
    fitting = tuple(
        step.name
        for step in pipeline
        if actor in (None, step.next_actor) and (not chosen or step.name in chosen)
    )
    return fitting or NOTHING_FITS


def waiting_on(pipeline: list[LifecycleCount]) -> dict[str, int]:
    """Open cases by who acts next."""
    split: dict[str, int] = {}
    for step in pipeline:
        if step.next_actor != NOBODY:
            split[step.next_actor] = split.get(step.next_actor, 0) + step.cases
    return split


def totals_by_currency(store: Store, wanted: CaseFilter) -> list[CurrencyTotal]:
    """Amounts per currency, never summed across currencies; the most used currency first."""
    with store.read() as session:
        rows = stored.amounts_by_currency(session, wanted)
    return [
        CurrencyTotal(
            row.cases,
            Money(row.currency or "", int(row.gross)),
            Money(row.currency or "", int(row.remainder)),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class FilterChoices:
    """What the cases page can be narrowed by."""

    phases: tuple[str, ...]
    debtor_countries: tuple[str, ...]
    collection_partners: tuple[str, ...]
    currencies: tuple[str, ...]


@dataclass(frozen=True)
class NotReplayed:
    """A client of whose link request some cases were not accepted when it was approved."""

    tenant_id: str
    name: str
    at: datetime


def not_replayed(store: Store, *, since: datetime) -> list[NotReplayed]:
    """Clients whose cases have to be submitted again, the latest first.

    Known from webhook events since ``since``; a case that was made later settles it.
    """
    with store.read() as session:
        found = stored.none_made_after(session, WebhookEvent.CASES_REPLAY_FAILED, since=since)
    return [NotReplayed(row.tenant_id, row.name or row.tenant_id, row.at) for row in found]


def filter_choices(store: Store) -> FilterChoices:
    """The values that occur in the store."""
    with store.read() as session:
        return FilterChoices(
            phases=tuple(stored.values_of(session, "engagement_phase")),
            debtor_countries=tuple(stored.values_of(session, "debtor_country")),
            collection_partners=tuple(stored.values_of(session, "collection_partner")),
            currencies=tuple(stored.values_of(session, "currency")),
        )


def _known(name: str | None) -> Lifecycle | None:
    try:
        return Lifecycle(name) if name else None
    except ValueError:
        return None


def _actor(name: str | None) -> str:
    known = _known(name)
    if known is None:
        return "Not known"
    return _ACTORS[known.next_actor] if known.next_actor else NOBODY


_ACTORS = {
    NextActor.CLIENT: "Client",
    NextActor.DEBITURA: "Debitura",
    NextActor.COLLECTION_PARTNER: "Collection partner",
}


def _lifecycle_count(name: str | None, found: Mapping[str | None, int]) -> LifecycleCount:
    known = _known(name)
    return LifecycleCount(
        name=name or "",
        label=lifecycle_label(name),
        group=known.group if known else "Other",
        next_actor=_actor(name),
        cases=found[name],
    )


def _summary(row: CaseRow) -> CaseSummary:
    return CaseSummary(
        id=row.id,
        reference=row.reference or row.id,
        creditor_reference=row.creditor_reference,
        tenant_id=row.external_tenant_id,
        client_name=row.client_name or row.external_tenant_id or "Not told",
        debtor_name=row.debtor_name,
        debtor_country=row.debtor_country,
        gross=told(row.gross, row.currency),
        remainder=told(row.remainder, row.currency),
        lifecycle=lifecycle_label(row.lifecycle),
        next_actor=_actor(row.lifecycle),
        close_code=row.close_code,
        engagement_phase=row.engagement_phase,
        created_at=row.created_at,
        due_at=row.due_at,
        collection_started_at=row.collection_started_at,
        finished_at=row.finished_at,
        lifecycle_since=row.lifecycle_since,
        last_activity_at=row.last_activity_at,
        needs_info=row.needs_info,
        collection_partner=row.collection_partner,
        archived_at=row.archived_at,
    )
