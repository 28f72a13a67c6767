"""Activity: how true is the data, what came in, what changed, and who did what?"""

from collections.abc import Callable

import streamlit as st

from dashboard import data
from dashboard.activity import audit_log, how_true, set_aside, sync_runs, webhooks, what_changed
from dashboard.components import filters, formats, page
from services import activity

PARTS = {
    "Sync runs": sync_runs.show,
    "Webhooks": webhooks.show,
    "What changed": what_changed.show,
    "Audit log": audit_log.show,
    "Rows set aside": set_aside.show,
}
KEYS = ("activity_", "run", "event", "change", "audit_", "aside_")


def pick_part() -> Callable[[], None]:
    return filters.one_in_sight(
        "Show",
        PARTS,
        key="activity_part",
        told="How syncs went, what Debitura delivered by itself, the changes that both brought, "
        "what was done from here, and rows that could not be understood.",
    )


def say_what_went_wrong() -> None:
    """Figures that must not be missed, whatever part is shown."""
    aside, failed = data.ask_now(activity.count_set_aside), webhooks.count_failed()
    told = [
        counted(aside, "row is set aside.", "rows are set aside."),
        counted(failed, "webhook event has failed.", "webhook events have failed."),
    ]
    if any(told):
        st.caption(" ".join(filter(None, told)))


def counted(number: int, one: str, many: str) -> str:
    return f"{formats.count(number)} {one if number == 1 else many}" if number else ""


page.begin(
    "Activity",
    "How true is the data, what came in, what changed, and who did what?",
    needs=(),
    keys=KEYS,
)
how_true_place = st.container()
show_part = pick_part()
with how_true_place:
    how_true.show(scope_by_scope=show_part is sync_runs.show)
say_what_went_wrong()
show_part()
