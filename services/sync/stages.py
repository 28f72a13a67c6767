"""Onboarding stages: derived from several scopes at once, in this one place."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from services.debitura.enums import KycStatus
from services.domain.onboarding_stage import (
    ClientFacts,
    Milestone,
    OnboardingStage,
    derive_stage,
    furthest_milestone,
    link_kind,
)
from services.store import clients
from services.store.mirror import history_note, note_history


def refresh_stages(
    session: Session,
    *,
    now: datetime,
    tenant_ids: Sequence[str] | None = None,
    learnt_by: str = "sync",
) -> int:
    """Bring the stages of all clients, or of some, up to date and return how many changed.

    A change is noted in the history unless the stage is derived for the first time: what the
    client had before is not known then.
    """
    updates, history = [], []
    for row, after in _changes(session, now, tenant_ids):
        updates.append(
            {**after, "tenant": row.tenant_id, "stage_derived_at": row.stage_derived_at or now}
        )
        if after["stage"] != row.stage and row.stage_derived_at is not None:
            history.append(
                history_note(
                    "client",
                    row.tenant_id,
                    "stage",
                    row.stage,
                    after["stage"],
                    at=now,
                    learnt_by=learnt_by,
                )
            )
    clients.set_stages(session, updates)
    note_history(session, history)
    return len(updates)


def out_of_date(session: Session, *, now: datetime) -> list[str]:
    """Tenant ids of the clients whose stages have to be brought up to date.

    For that every client is looked at, which takes seconds: nobody should hold the store for it.
    """
    return [row.tenant_id for row, _ in _changes(session, now, None)]


def _changes(
    session: Session, now: datetime, tenant_ids: Sequence[str] | None
) -> Iterator[tuple[Row[Any], dict[str, Any]]]:
    """Each client that is to be changed, with its derived columns as they should be."""
    for row in clients.stage_facts(session, tenant_ids):
        first_time = row.stage_derived_at is None
        after = _stage_columns(row, now, first_time=first_time)
        if first_time or any(getattr(row, name) != value for name, value in after.items()):
            yield row, after


def _stage_columns(row: Row[Any], now: datetime, *, first_time: bool) -> dict[str, Any]:
    facts = _facts(row)
    stage = derive_stage(facts)
    furthest = furthest_milestone(facts)
    if not first_time:
        furthest = furthest.or_further(Milestone(row.furthest))
    return {
        "stage": stage,
        "stage_since": _since(stage, row, now, first_time=first_time),
        "furthest": furthest,
        "signed_at": row.signed_at or _seen_to_sign(row, furthest, now, first_time=first_time),
        "first_case_at": row.first_case_told,
        "first_recovery_at": row.first_recovery_told,
    }


def _since(
    stage: OnboardingStage, row: Row[Any], now: datetime, *, first_time: bool
) -> datetime | None:
    """Since when the client is in ``stage``; None where nobody knows."""
    told = _told_start(stage, row)
    if stage == row.stage or first_time:
        # First seen in this stage: only the source's own dates can tell since when.
        return row.stage_since or told
    entered_before = row.stage_since or row.stage_derived_at
    return told if told is not None and told > entered_before else now


def _seen_to_sign(
    row: Row[Any], furthest: Milestone, now: datetime, *, first_time: bool
) -> datetime | None:
    """The moment of the pass in which a client first showed as signed, where no event told it."""
    unsigned_before = not first_time and row.furthest == Milestone.CREATED
    return now if unsigned_before and furthest is not Milestone.CREATED else None


def _facts(row: Row[Any]) -> ClientFacts:
    return ClientFacts(
        archived=row.archived_at is not None,
        onboarding_done=row.onboarding_done,
        link=link_kind(row.onboarding_url),
        kyc_pending=row.kyc_status == KycStatus.PENDING,
        has_cases=bool(row.has_cases),
        has_recovery=bool(row.has_recovery),
        poa_signed=row.poa_signed_at is not None,
        withdrawn=row.withdrawn_at is not None,
    )


def _told_start(stage: OnboardingStage, row: Row[Any]) -> datetime | None:
    starts: dict[OnboardingStage, datetime | None] = {
        OnboardingStage.ARCHIVED: row.archived_at,
        OnboardingStage.WITHDRAWN: row.withdrawn_at,
        OnboardingStage.CREATED: row.linked_at,
        OnboardingStage.POA_SIGNED: row.poa_signed_at,
        OnboardingStage.CONTRACT_SIGNED: row.signed_at,
        OnboardingStage.FIRST_CASE: row.first_case_told,
        OnboardingStage.FIRST_RECOVERY: row.first_recovery_told,
    }
    return starts.get(stage)
