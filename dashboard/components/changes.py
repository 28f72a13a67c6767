"""The history of a client or case, in words."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components import formats
from services.activity import Change
from services.cases import lifecycle_label
from services.domain.money import Money
from services.domain.onboarding_stage import OnboardingStage

_FIELDS = {
    "stage": "Stage",
    "lifecycle": "Lifecycle",
    "engagement_phase": "Engagement phase",
    "close_code": "Close code",
    "remainder": "Outstanding",
    "collection_partner": "Collection partner",
    "onboarding_done": "Onboarding done",
    "kyc_status": "KYC status",
    "archived": "Listed by Debitura",
}


def show(history: Sequence[Change], *, currency: str | None = None) -> None:
    """Draw the changes, newest first; say so where none was seen yet.

    ``currency`` is that of the amounts.
    """
    if not history:
        st.caption("No change was seen since the dashboard began to watch.")
        return
    st.table(
        {
            "When": [formats.exact(change.at) for change in history],
            "What": [_FIELDS.get(change.field, change.field) for change in history],
            "From": [_words(change.field, change.before, currency) for change in history],
            "To": [_words(change.field, change.after, currency) for change in history],
            "Learnt by": [change.learnt_by for change in history],
        },
        hide_index=True,
        border="horizontal",
    )


def _words(field: str, value: str | None, currency: str | None) -> str:
    if value is None:
        return formats.NOTHING
    if field == "remainder":
        return formats.money(Money(currency or "", int(value)))
    if field == "stage":
        return OnboardingStage(value).label
    return formats.plain(lifecycle_label(value) if field == "lifecycle" else value)
