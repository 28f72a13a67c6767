"""The history of clients, cases and transactions, in words."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components import formats
from services.activity import Change
from services.cases import lifecycle_label
from services.domain.money import Money
from services.domain.onboarding_stage import OnboardingStage
from services.domain.revenue_stage import Bucket

FIELDS = {
    "stage": "Stage",
    "onboarding_done": "Onboarding done",
    "kyc_status": "KYC status",
    "lifecycle": "Lifecycle",
    "engagement_phase": "Engagement phase",
    "close_code": "Close code",
    "remainder": "Outstanding",
    "collection_partner": "Collection partner",
    "bucket": "Bucket",
    "commission_status": "Commission",
    "platform_status": "Invoice to the platform",
    "referral_status": "Referral fee's invoice",
    "payment": "Paid by debtor",
    "fee": "Fee",
    "fee_usd": "Fee in USD",
    "archived": "Listed by Debitura",
}
"""What the noted fields are called, those of clients first, then of cases and transactions."""
_AMOUNTS = ("remainder", "payment", "fee", "fee_usd")
_LABELS = {
    **{str(stage): stage.label for stage in OnboardingStage},
    **{str(bucket): bucket.label for bucket in Bucket},
    "True": "yes",
    "False": "no",
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
            "What": [formats.plain(field_label(change.field)) for change in history],
            "From": [_cell(change.field, change.before, currency) for change in history],
            "To": [_cell(change.field, change.after, currency) for change in history],
            "Learnt by": [change.learnt_by for change in history],
        },
        hide_index=True,
        border="horizontal",
    )


def field_label(field: str) -> str:
    """What a field is called; an unknown one as it came."""
    return FIELDS.get(field, field)


def words(field: str, value: str | None, currency: str | None) -> str:
    """A noted value as people read it; what is not understood as it came."""
    if field == "archived":
        return "yes" if value is None else "no"
    if value is None:
        return formats.NOTHING
    if field in _AMOUNTS:
        return _amount(value, currency)
    return lifecycle_label(value) if field == "lifecycle" else _LABELS.get(value, value)


def _cell(field: str, value: str | None, currency: str | None) -> str:
    return formats.plain(words(field, value, currency))


def _amount(value: str, currency: str | None) -> str:
    try:
        return formats.money(Money(currency or "", int(value)))
    except ValueError:
        return value
