"""How a link request stands, and every one that was made before it, in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from dashboard.components import formats
from services.link_requests import LearntBy, LinkRequest, LinkRequestStatus

TOLD_BY = {
    LearntBy.ANSWER: "Debitura's answer",
    LearntBy.WEBHOOK: "a webhook",
    LearntBy.SYNC: "the list of clients",
    LearntBy.CLOCK: "our own clock",
}
ENDS = {
    LinkRequestStatus.APPROVED: "Approved",
    LinkRequestStatus.DECLINED: "Declined",
    LinkRequestStatus.EXPIRED: "Ran out",
}


def told_by(request: LinkRequest) -> str | None:
    """Who told how a request ended."""
    return None if request.learnt_by is None else TOLD_BY[request.learnt_by]


def asked_by(request: LinkRequest) -> str:
    return "somebody outside the dashboard" if request.made_elsewhere else request.requested_by


def countdown(request: LinkRequest, now: datetime) -> str:
    """``in 2 days 3 h``, ``in 3 h 10 min``; ``2 h 5 min ago`` where the time is over."""
    left = request.expires_at - now
    return f"in {precisely(left)}" if left > timedelta() else f"{precisely(-left)} ago"


def precisely(length: timedelta | None) -> str:
    """``2 days 3 h``, ``3 h 10 min``, ``under a minute``."""
    if length is None:
        return formats.NOTHING
    hours, minutes = divmod(max(int(length.total_seconds()), 0) // 60, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _joined(f"{days} {'day' if days == 1 else 'days'}", hours and f"{hours} h")
    return _joined(hours and f"{hours} h", minutes and f"{minutes} min") or "under a minute"


def _joined(*parts: str | int) -> str:
    return " ".join(str(part) for part in parts if part)


def show_history(requests: Sequence[LinkRequest]) -> None:
    """Draw every request of a client, newest first: who asked, how it ended, who told."""
    for request in requests:
        st.markdown(f"- {formats.plain(_asked(request))}  \n  {formats.plain(_became(request))}")


def _asked(request: LinkRequest) -> str:
    return f"Asked {formats.exact(request.requested_at)} by {asked_by(request)}."


def _became(request: LinkRequest) -> str:
    """How it ended, and that it is history where it was asked again."""
    parts = [_end(request)]
    if request.superseded_at is not None:
        parts.append(f"Asked again {formats.exact(request.superseded_at)}: its link is void.")
    return " ".join(parts)


def _end(request: LinkRequest) -> str:
    if request.status is not LinkRequestStatus.PENDING:
        teller = told_by(request)
        told = f", as told by {teller}" if teller else ""
        return f"{ENDS[request.status]} {formats.exact(request.resolved_at)}{told}."
    if request.superseded_at is not None:
        return "No answer came."
    return f"Waits for an answer until {formats.exact(request.expires_at)}."
