"""How true the data is, in words."""

from datetime import datetime, timedelta

import streamlit as st

from dashboard.components import formats
from services.activity import Freshness, Scope, ScopeState, ScopeStatus


def sentence(state: Freshness, *, now: datetime, limit: timedelta) -> str:
    """How true all of it is. Nothing has to be found true more often than within ``limit``."""
    if state.failed:
        names = formats.listed([status.scope for status in state.failed])
        return f"Not true to Debitura: {names}. What was read before is shown."
    if state.true_at is None:
        return first_scan(state)
    age = formats.ago(state.true_at, now)
    if state.is_old(now, limit):
        return f"All was true to Debitura {age}; no sync has ended since. Is the worker running?"
    return f"All data was true to Debitura {age}."


def first_scan(state: Freshness) -> str:
    """How far the first sync is."""
    done, total = state.progress
    if total:
        to_come = [status.scope for status in state.scopes if status.rows_total is None]
        rest = f", {formats.listed(to_come)} to come" if to_come else ""
        return f"First sync: {done:,} of {total:,} rows so far{rest}"
    if any(status.state is not ScopeState.NEVER for status in state.scopes):
        return "The first sync has begun."
    return "The first sync has not begun. It starts with the worker."


def state_of(status: ScopeStatus) -> str:
    """``true``, ``failed``, ``being read, 1,200 of 10,000 rows``."""
    if status.state is not ScopeState.RUNNING:
        return _STATES[status.state]
    if status.rows_total is None:
        return "being read"
    return f"being read, {status.rows_done:,} of {status.rows_total:,} rows"


def rows_of(status: ScopeStatus) -> int | None:
    """How many rows a scope has, as far as it is known."""
    if status.state is ScopeState.RUNNING:
        return status.rows_total
    return None if status.true_at is None else status.rows_done


def disagreement(status: ScopeStatus) -> str:
    """Where the source's own totals are not those of the rows that it lists."""
    told = (f"{name} by {by:+,}" for name, by in status.unexplained.items())
    return (
        f"Debitura's own totals of {status.scope} differ from the rows that it lists: "
        f"{formats.listed(list(told))}. The rows are shown as listed."
    )


def show_progress(state: Freshness, scopes: tuple[Scope, ...]) -> None:
    """A bar for each of ``scopes``: how much of it is read."""
    for status in state.scopes:
        if status.scope in scopes:
            st.progress(_share(status), text=f"{status.scope.capitalize()}: {_read_so_far(status)}")


def _share(status: ScopeStatus) -> float:
    if status.true_at is not None:
        return 1.0
    return min(status.rows_done / status.rows_total, 1.0) if status.rows_total else 0.0


def _read_so_far(status: ScopeStatus) -> str:
    if status.true_at is not None:
        return "all read"
    if status.rows_total is not None:
        return f"{status.rows_done:,} of {status.rows_total:,} rows"
    return "being read" if status.state is ScopeState.RUNNING else "not begun"


_STATES = {
    ScopeState.NEVER: "never read",
    ScopeState.TRUE: "true",
    ScopeState.FAILED: "failed",
}
