"""Queries about clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    exists,
    extract,
    false,
    func,
    null,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from services.domain.onboarding_stage import OnboardingStage
from services.store.mirror import CASES, TRANSACTIONS
from services.store.paging import Page, Window
from services.store.selecting import begins, cut, mentions, one_of
from services.store.tables import CaseRow, ClientRow, HistoryRow, TransactionRow


@dataclass(frozen=True)
class ClientFilter:
    """Which clients are wanted; what is left empty does not narrow."""

    text: str = ""
    first_in_text: bool = False
    """Only what begins with ``text``, instead of all that mentions it."""
    stages: tuple[str, ...] = ()
    milestones: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    attributed: bool | None = None
    linked_from: datetime | None = None
    linked_before: datetime | None = None
    stuck_since: tuple[tuple[str, datetime], ...] = ()
    """Stages in which a client can be stuck, and since before when it is; ``over`` sorts by it."""
    stuck: bool = False
    """Only who is stuck; of those of whom nobody knows when their stage began, who has to act."""
    archived: bool = False


SORTABLE = {
    "name": col(ClientRow.name),
    "stage": col(ClientRow.stage),
    "country": col(ClientRow.country),
    "stage_since": col(ClientRow.stage_since),
    "linked_at": col(ClientRow.linked_at),
    "cases_total": col(ClientRow.cases_total),
    "earnings_usd": col(ClientRow.earnings_usd),
}


def _where(wanted: ClientFilter) -> list[Any]:
    conditions = mentions(col(ClientRow.search_text), wanted.text)
    if wanted.first_in_text:
        conditions.append(begins(col(ClientRow.search_text), wanted.text))
    conditions += one_of(col(ClientRow.stage), wanted.stages)
    conditions += one_of(col(ClientRow.furthest), wanted.milestones)
    conditions += one_of(col(ClientRow.country), wanted.countries)
    if wanted.attributed is not None:
        conditions.append(col(ClientRow.is_attributed).is_(wanted.attributed))
    if wanted.linked_from is not None:
        conditions.append(col(ClientRow.linked_at) >= wanted.linked_from)
    if wanted.linked_before is not None:
        conditions.append(col(ClientRow.linked_at) < wanted.linked_before)
    if wanted.stuck:
        conditions.append(_is_stuck(wanted))
    if not wanted.archived:
        conditions.append(col(ClientRow.archived_at).is_(None))
    return conditions


def _is_stuck(wanted: ClientFilter) -> ColumnElement[bool]:
    stage, since = col(ClientRow.stage), col(ClientRow.stage_since)
    first_seen = col(ClientRow.first_seen_at)

    def too_long(name: str, moment: datetime) -> ColumnElement[bool]:
        if OnboardingStage(name).waits_for_client:
            return or_(since.is_(None), since < moment)
        return func.coalesce(since, first_seen) < moment

    by_stage = (and_(stage == name, too_long(name, moment)) for name, moment in wanted.stuck_since)
    return or_(false(), *by_stage)


def _over(wanted: ClientFilter) -> Any:
    """By how many seconds a client is over the limit of its stage; null where it has none."""
    stage, since = col(ClientRow.stage), col(ClientRow.stage_since)
    if not wanted.stuck_since:
        return null()
    limits = (
        (stage == name, int(moment.timestamp()) - extract("epoch", since))
        for name, moment in wanted.stuck_since
    )
    return case(*limits, else_=null())


def page_of(session: Session, wanted: ClientFilter, window: Window) -> Page[ClientRow]:
    return cut(
        session,
        select(ClientRow).where(*_where(wanted)),
        window,
        sortable={**SORTABLE, "over": _over(wanted)},
        default="name",
        key=col(ClientRow.external_tenant_id),
    )


def get(session: Session, tenant_id: str) -> ClientRow | None:
    return session.get(ClientRow, tenant_id)


def count_by_stage(session: Session, wanted: ClientFilter) -> dict[str, int]:
    found = session.execute(
        select(col(ClientRow.stage), func.count()).where(*_where(wanted)).group_by(ClientRow.stage)
    )
    return dict(found.all())


def count_by_milestone(session: Session, wanted: ClientFilter) -> dict[str, int]:
    found = session.execute(
        select(col(ClientRow.furthest), func.count())
        .where(*_where(wanted))
        .group_by(ClientRow.furthest)
    )
    return dict(found.all())


def stage_times(session: Session, wanted: ClientFilter) -> Sequence[Row[Any]]:
    """Of each wanted client its stage, since when, and when it reached what on the road."""
    return session.execute(
        select(
            col(ClientRow.stage),
            col(ClientRow.stage_since),
            col(ClientRow.linked_at),
            col(ClientRow.signed_at),
            col(ClientRow.first_case_at),
            col(ClientRow.first_recovery_at),
        ).where(*_where(wanted))
    ).all()


def first_linked_at(session: Session) -> datetime | None:
    """When the first of all clients was linked."""
    first: datetime | None = session.execute(select(func.min(ClientRow.linked_at))).scalar_one()
    return first


def countries(session: Session) -> list[str]:
    found = session.execute(
        select(col(ClientRow.country)).where(col(ClientRow.country).is_not(None)).distinct()
    )
    return sorted(found.scalars())


def touched_since(session: Session, moment: datetime) -> list[str]:
    """Tenant ids of which a case or a payment came or changed after ``moment``.

    Their own rows tell counts and sums of these.
    """
    tenants: set[str | None] = set()
    for mirror in (CASES, TRANSACTIONS):
        table = mirror.table
        changed = select(col(HistoryRow.subject_id)).where(
            col(HistoryRow.kind) == mirror.kind, col(HistoryRow.at) > moment
        )
        found = session.execute(
            select(table.c.external_tenant_id)
            .where(or_(table.c.first_seen_at > moment, table.c[mirror.key].in_(changed)))
            .distinct()
        )
        tenants.update(found.scalars())
    return sorted(tenant for tenant in tenants if tenant)


def stage_facts(session: Session, tenant_ids: Sequence[str] | None = None) -> Sequence[Row[Any]]:
    """Per client, everything that its stage is derived from, and the stage stored now.

    Of all clients, or of those with ``tenant_ids``.
    """
    tenant = col(ClientRow.external_tenant_id)
    first_case = (
        select(func.min(CaseRow.created_at))
        .where(col(CaseRow.external_tenant_id) == tenant)
        .scalar_subquery()
    )
    first_recovery = (
        select(func.min(TransactionRow.paid_at))
        .where(col(TransactionRow.external_tenant_id) == tenant)
        .scalar_subquery()
    )
    has_recovery = exists().where(col(TransactionRow.external_tenant_id) == tenant)
    has_cases = or_(
        col(ClientRow.cases_total) > 0,
        exists().where(col(CaseRow.external_tenant_id) == tenant),
    )
    wanted = [] if tenant_ids is None else [tenant.in_(tenant_ids)]
    return session.execute(
        select(
            tenant.label("tenant_id"),
            col(ClientRow.archived_at),
            col(ClientRow.onboarding_done),
            col(ClientRow.onboarding_url),
            col(ClientRow.kyc_status),
            col(ClientRow.linked_at),
            col(ClientRow.stage),
            col(ClientRow.stage_since),
            col(ClientRow.stage_derived_at),
            col(ClientRow.furthest),
            col(ClientRow.poa_signed_at),
            col(ClientRow.signed_at),
            col(ClientRow.withdrawn_at),
            col(ClientRow.first_case_at),
            col(ClientRow.first_recovery_at),
            has_cases.label("has_cases"),
            has_recovery.label("has_recovery"),
            first_case.label("first_case_told"),
            first_recovery.label("first_recovery_told"),
        ).where(*wanted)
    ).all()


def note_signed(session: Session, tenant_id: str, column: str, at: datetime) -> bool:
    """Note in ``column`` when a client signed, at first; return whether that is news."""
    table = ClientRow.__table__  # type: ignore[attr-defined]
    signed = table.c[column]
    noted = session.execute(
        update(table)
        .where(table.c.external_tenant_id == tenant_id, or_(signed.is_(None), signed > at))
        .values({column: at})
    )
    return bool(noted.rowcount)  # type: ignore[attr-defined]


def set_stages(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write derived stages; each row names its client as ``tenant``."""
    if rows:
        table = ClientRow.__table__  # type: ignore[attr-defined]
        statement = update(table).where(table.c.external_tenant_id == bindparam("tenant"))
        session.connection().execute(statement, list(rows))
