"""A client's stage, derived from what Debitura tells of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.onboarding_stage import (
    ClientFacts,
    LinkKind,
    Milestone,
    OnboardingStage,
    derive_stage,
    furthest_milestone,
    link_kind,
)

ID = "7d1c2f8a-93c5-4f6e-8f2b-0c1d2e3f4a5b"
RETURN = "returnUrl=https%3A%2F%2Fplatform.example%2Fback%3Fa%3D1"
URLS = {
    f"https://onboarding.debitura.com/companydetails/{ID}": LinkKind.ONBOARDING,
    f"https://onboarding.debitura.com/companydetails/{ID}?{RETURN}": LinkKind.ONBOARDING,
    f"https://app.debitura.com/ContractUpgrade/Sign/{ID}": LinkKind.CONTRACT_UPGRADE,
    f"https://app.debitura.com/contractupgrade/sign/{ID}?{RETURN}": LinkKind.CONTRACT_UPGRADE,
    f"https://app.debitura.com/PowerOfAttorney/Sign/{ID}?collectionPartnerId={ID}": (
        LinkKind.POWER_OF_ATTORNEY
    ),
    f"https://app.debitura.com/PowerOfAttorney/Sign/{ID}?collectionPartnerId={ID}&{RETURN}": (
        LinkKind.POWER_OF_ATTORNEY
    ),
    "https://app.debitura.com/ReferralPartner/Approve?token=eyJ.a-b_c": LinkKind.APPROVAL,
    f"https://app.debitura.com/ReferralPartner/Approve?token=x&{RETURN}": LinkKind.APPROVAL,
    f"http://127.0.0.1:8600/flow/companydetails/{ID}": LinkKind.ONBOARDING,
    f"https://white-label.example/da/PowerOfAttorney/Sign/{ID}": LinkKind.POWER_OF_ATTORNEY,
}
NOT_STEPS = [
    "https://app.debitura.com/",
    f"https://app.debitura.com/companydetailsarchive/{ID}",
    f"https://app.debitura.com/somewhere?next=/companydetails/{ID}",
    f"https://app.debitura.com/x#/ContractUpgrade/Sign/{ID}",
    "not a url",
    "https://[broken",
    "\u0000",
]


@pytest.mark.parametrize(("url", "kind"), URLS.items())
def test_a_link_is_known_by_its_path(url: str, kind: LinkKind) -> None:
    assert link_kind(url) is kind


@pytest.mark.parametrize("url", NOT_STEPS)
def test_a_link_to_somewhere_else_is_kept_as_unknown(url: str) -> None:
    assert link_kind(url) is LinkKind.UNKNOWN


@pytest.mark.parametrize("url", [None, ""])
def test_no_link_is_no_kind(url: str | None) -> None:
    assert link_kind(url) is None


@given(st.text())
def test_any_text_has_a_kind(text: str) -> None:
    assert (link_kind(text) is None) == (text == "")


def facts(**changes: object) -> ClientFacts:
    usual: dict[str, object] = {
        "archived": False,
        "onboarding_done": True,
        "link": None,
        "kyc_pending": False,
        "has_cases": False,
        "has_recovery": False,
    }
    return ClientFacts(**{**usual, **changes})  # type: ignore[arg-type]


STAGES = [
    ({}, OnboardingStage.CONTRACT_SIGNED),
    ({"onboarding_done": False, "link": LinkKind.ONBOARDING}, OnboardingStage.CREATED),
    ({"onboarding_done": False}, OnboardingStage.CREATED),
    ({"onboarding_done": False, "kyc_pending": True}, OnboardingStage.CREATED),
    (
        {"onboarding_done": False, "link": LinkKind.CONTRACT_UPGRADE, "has_cases": True},
        OnboardingStage.CONTRACT_UPGRADE,
    ),
    (
        {"link": LinkKind.POWER_OF_ATTORNEY, "has_cases": True, "kyc_pending": True},
        OnboardingStage.POWER_OF_ATTORNEY,
    ),
    ({"kyc_pending": True, "has_recovery": True}, OnboardingStage.KYC_PENDING),
    ({"has_cases": True}, OnboardingStage.FIRST_CASE),
    ({"has_cases": True, "has_recovery": True}, OnboardingStage.FIRST_RECOVERY),
    ({"link": LinkKind.UNKNOWN, "has_cases": True}, OnboardingStage.FIRST_CASE),
    ({"archived": True, "has_recovery": True}, OnboardingStage.ARCHIVED),
    ({"archived": True, "link": LinkKind.CONTRACT_UPGRADE}, OnboardingStage.ARCHIVED),
]


@pytest.mark.parametrize(("changes", "stage"), STAGES)
def test_what_is_to_be_signed_goes_before_what_was_reached(
    changes: dict[str, object], stage: OnboardingStage
) -> None:
    assert derive_stage(facts(**changes)) is stage


MILESTONES = [
    ({"onboarding_done": False}, Milestone.CREATED),
    ({"onboarding_done": False, "link": LinkKind.ONBOARDING}, Milestone.CREATED),
    ({}, Milestone.CONTRACT_SIGNED),
    ({"onboarding_done": False, "link": LinkKind.CONTRACT_UPGRADE}, Milestone.CONTRACT_SIGNED),
    ({"has_cases": True}, Milestone.FIRST_CASE),
    ({"onboarding_done": False, "has_cases": True}, Milestone.FIRST_CASE),
    ({"has_cases": True, "has_recovery": True}, Milestone.FIRST_RECOVERY),
    ({"archived": True, "has_recovery": True}, Milestone.FIRST_RECOVERY),
]


@pytest.mark.parametrize(("changes", "milestone"), MILESTONES)
def test_the_furthest_milestone_stays_whatever_holds_the_client_up(
    changes: dict[str, object], milestone: Milestone
) -> None:
    assert furthest_milestone(facts(**changes)) is milestone


all_facts = st.builds(
    ClientFacts,
    archived=st.booleans(),
    onboarding_done=st.booleans(),
    link=st.none() | st.sampled_from(LinkKind),
    kyc_pending=st.booleans(),
    has_cases=st.booleans(),
    has_recovery=st.booleans(),
)


@given(all_facts)
def test_every_client_has_a_stage_and_a_milestone_and_an_archived_one_only_that(
    client: ClientFacts,
) -> None:
    stage = derive_stage(client)
    assert (stage is OnboardingStage.ARCHIVED) == client.archived
    assert stage is not OnboardingStage.LINK_REQUESTED
    assert furthest_milestone(client) in Milestone


@given(all_facts)
def test_a_client_that_reached_a_milestone_now_has_passed_it(client: ClientFacts) -> None:
    stage = derive_stage(client)
    if stage.value in set(Milestone):
        assert furthest_milestone(client) in Milestone(stage.value).and_beyond


def test_milestones_beyond_end_with_the_first_recovery() -> None:
    assert Milestone.CREATED.and_beyond == tuple(Milestone)
    assert Milestone.FIRST_RECOVERY.and_beyond == (Milestone.FIRST_RECOVERY,)


@pytest.mark.parametrize("stage", OnboardingStage)
def test_every_stage_has_words_and_a_next_step(stage: OnboardingStage) -> None:
    assert stage.label
    assert stage.next_step.endswith(".")
