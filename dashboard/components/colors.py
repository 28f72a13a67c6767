"""One colour a stage, the same on every page; each reads on light and on dark."""

from services.domain.onboarding_stage import Milestone, OnboardingStage
from services.domain.revenue_stage import Bucket, RevenueStage

MUTED = "#8a94a3"

ONBOARDING = {
    OnboardingStage.LINK_REQUESTED: "#8f6ed5",
    OnboardingStage.CREATED: "#5b8def",
    OnboardingStage.POA_SIGNED: "#4aa3c7",
    OnboardingStage.CONTRACT_UPGRADE: "#d9822b",
    OnboardingStage.POWER_OF_ATTORNEY: "#c2642d",
    OnboardingStage.KYC_PENDING: "#b8860b",
    OnboardingStage.CONTRACT_SIGNED: "#2a9d8f",
    OnboardingStage.FIRST_CASE: "#3c9d5b",
    OnboardingStage.FIRST_RECOVERY: "#2f7d46",
    OnboardingStage.WITHDRAWN: "#a0758a",
    OnboardingStage.ARCHIVED: MUTED,
}

MILESTONE = {milestone: ONBOARDING[OnboardingStage(milestone)] for milestone in Milestone}

REVENUE = {
    RevenueStage.UNRECOGNIZED: "#8aa4c8",
    RevenueStage.UNINVOICED: "#d9822b",
    RevenueStage.INVOICED: "#5b8def",
    RevenueStage.PAID: "#3c9d5b",
}

BUCKET = {
    Bucket.PENDING: "#b3c3da",
    Bucket.CONFIRMED_PENDING_INVOICE: "#8aa4c8",
    Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT: "#6a87b0",
    Bucket.READY_TO_INVOICE_DEBITURA: REVENUE[RevenueStage.UNINVOICED],
    Bucket.AWAITING_DEBITURA_PAYMENT: REVENUE[RevenueStage.INVOICED],
    Bucket.PAID: REVENUE[RevenueStage.PAID],
    Bucket.DISPUTED: "#c94f4f",
    Bucket.CREDITED: MUTED,
}

LIFECYCLE_GROUP = {
    "Pending": "#d9822b",
    "Active": "#3f7ee0",
    "Paused": "#8f6ed5",
    "Closed": "#8a94a3",
    "Other": "#b8860b",
}
