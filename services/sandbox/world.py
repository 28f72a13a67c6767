"""The world behind both APIs: what exists, how to find it, and every change that can happen.

Emails that decide what ``POST /clients`` answers, besides those of ``World.existing_accounts``:

- any address at ``existing.example`` belongs to an existing Debitura account, so a link request
  is made (409 ClientExistsNeedsLinking);
- any address at ``taken.example`` belongs to a client of another partner (409
  ClientAlreadyLinkedToAnotherPartner);
- any address at ``blocked.example`` belongs to a blocked creditor (422 CreditorBlocked).

A world is changed from one thread only. Each change raises ``revision`` and the revision of the
list it touches, by which cached answers know that they are old.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from services.sandbox.intake import CaseFailure, file_case
from services.sandbox.model import (
    Agency,
    Case,
    Client,
    ExistingAccount,
    KycRecord,
    LinkRequest,
    User,
)
from services.sandbox.options import SandboxOptions
from services.sandbox.records import Records, WorldEvent
from services.sandbox.seed import generate
from services.sandbox.seed_clients import new_id

EXISTING_DOMAIN = "existing.example"


@dataclass(frozen=True, slots=True)
class Approval:
    """The client an approval made, and the cases of the request that could not be filed."""

    client: Client
    failures: list[CaseFailure] = field(default_factory=list)


class World(Records):
    """The records, and what clients and time do to them.

    ``World.generate(SandboxOptions(seed=7))`` makes one; ``World(state, options)`` continues a
    stored one.
    """

    @classmethod
    def generate(cls, options: SandboxOptions, now: Callable[[], datetime] | None = None) -> Self:
        """A fresh world out of the options' seed and sizes."""
        return cls(generate(options), options, now)

    def require_contract_upgrade(self, client: Client) -> None:
        """Put a client back to signing, as when a new version of the standard agreement is out."""
        client.signed = False
        self.touched("clients")

    def sign_agreement(self, link_id: str) -> Client | None:
        """Sign what a link's page asks for: the standard agreement, else the power of attorney.

        Releases the waiting cases that need no further signature, and asks for the next power of
        attorney where one does. None when no active client has the link.
        """
        client = self.client_of_link(link_id)
        if client is None:
            return None
        signed_at = {"signedAt": self.now()}
        if not client.signed:
            client.signed = client.signed_before = True
            event = "client.onboarding.contract_signed"
        elif client.pending_poa:
            client.poa_agencies.append(client.pending_poa)
            client.pending_poa = None
            event = "client.onboarding.poa_signed"
        else:
            return client
        self.touched("clients")
        self.tell(WorldEvent(event, client.tenant_id, details=signed_at))
        self._release_waiting(client)
        return client

    def _release_waiting(self, client: Client) -> None:
        for case in self.cases_of(client.tenant_id):
            if case.lifecycle != "PendingContractSigning":
                continue
            agency = self.agency_for(case)
            if agency and agency.needs_poa and agency.id not in client.poa_agencies:
                client.pending_poa = client.pending_poa or agency.id
            else:
                self.move_case(case, "PendingVerificationInternal")

    def ask_for_poa(self, case: Case) -> bool:
        """Let a case wait until its client has signed the power of attorney that the case's
        agency needs; False, and nothing is changed, when the agency needs none."""
        client, agency = self.client(case.tenant_id), self.agency_for(case)
        if client is None or agency is None:
            return False
        if not agency.needs_poa or agency.id in client.poa_agencies:
            return False
        client.pending_poa = client.pending_poa or agency.id
        self.move_case(case, "PendingContractSigning")
        return True

    def hand_in_kyc(self, client: Client, record: KycRecord) -> None:
        """Keep the identity of a client's director; it waits for Debitura's review."""
        client.kyc, client.kyc_status = record, "pending"
        self.touched("clients")

    def verify_kyc(self, client: Client) -> None:
        """Accept the identity that a client has handed in, if any."""
        client.kyc_status = "verified"
        if client.kyc:
            client.kyc.status, client.kyc.status_updated = "Completed", self.now()
        self.touched("clients")

    def account_for(
        self, emails: list[str], registration_number: str | None
    ) -> ExistingAccount | None:
        """The existing account that one of the emails or the number belongs to.

        An address at ``existing.example`` makes its account when it is first seen.
        """
        wanted = {email.casefold() for email in emails}
        for account in self.existing_accounts:
            number = account.registration_number
            if account.email.casefold() in wanted or number == registration_number:
                return account
        for email in emails:
            if email.casefold().endswith(f"@{EXISTING_DOMAIN}"):
                return self._make_account(email)
        return None

    def _make_account(self, email: str) -> ExistingAccount:
        random = self.random()
        account = ExistingAccount(
            creditor_id=new_id(random),
            name=email.split("@", maxsplit=1)[0],
            email=email,
            registration_number=f"EX{random.randrange(10**8):08}",
            country="Denmark",
        )
        self.add_account(account)
        return account

    def add_account(self, account: ExistingAccount) -> None:
        """Let Debitura have another account that no partner is linked to."""
        self.state.accounts.append(account)
        self.touched()

    def ask(self, tenant_id: str, account: ExistingAccount, request: dict[str, Any]) -> LinkRequest:
        """Make a link request with a fresh token and window; supersedes the pending one of the
        same tenant id."""
        now = self.now()
        self.expire_due(now)
        for earlier in self.link_requests:
            if earlier.tenant_id == tenant_id and earlier.outcome == "pending":
                earlier.outcome, earlier.decided = "superseded", now
        made = LinkRequest(
            token=f"{self.random().getrandbits(160):040x}",
            tenant_id=tenant_id,
            creditor_id=account.creditor_id,
            requested=now,
            expires=now + self.link_ttl,
            request=request,
        )
        self.link_requests.append(made)
        self.touched()
        self._tell_of_link("client.link_requested", made)
        return made

    def link_request(self, token: str) -> LinkRequest | None:
        """The request of a token, whatever its outcome; expires it when its time is over."""
        self.expire_due(self.now())
        return next((r for r in self.link_requests if r.token == token), None)

    def expire_due(self, now: datetime) -> list[LinkRequest]:
        """Expire every pending request whose window is over; return those."""
        due = [r for r in self.link_requests if r.outcome == "pending" and r.expires <= now]
        for request in due:
            self._expire(request)
        return due

    def expire(self, token: str) -> None:
        """End the window of a pending request now."""
        request = self.link_request(token)
        if request is not None and request.outcome == "pending":
            request.expires = self.now()
            self._expire(request)

    def _expire(self, request: LinkRequest) -> None:
        request.outcome, request.decided = "expired", request.expires
        self.touched()
        self._tell_of_link("client.link_expired", request)

    def _tell_of_link(self, event: str, request: LinkRequest) -> None:
        self.tell(WorldEvent(event, request.tenant_id, creditor_id=request.creditor_id))

    def decline(self, token: str) -> LinkRequest | None:
        """Decline a pending request; None when there is none with this token."""
        request = self.link_request(token)
        if request is None or request.outcome != "pending":
            return None
        request.outcome, request.decided = "declined", self.now()
        self.touched()
        self._tell_of_link("client.link_declined", request)
        return request

    def approve(self, token: str) -> Approval | None:
        """Link the account of a pending request as a client that the partner did not bring, and
        file the cases that came with the request.

        None when no request is pending under the token, or its tenant id is in use by now.
        """
        request = self.link_request(token)
        if request is None or request.outcome != "pending" or self.client(request.tenant_id):
            return None
        accounts = self.existing_accounts
        account = next((a for a in accounts if a.creditor_id == request.creditor_id), None)
        if account is None:
            return None
        request.outcome, request.decided = "approved", self.now()
        client = self._linked_client(request, account)
        self.add_client(client)
        self.tell(WorldEvent("client.linked", client.tenant_id))
        return Approval(client, self._replay(client, request.request.get("cases") or []))

    def _replay(self, client: Client, cases: list[dict[str, Any]]) -> list[CaseFailure]:
        results = [file_case(self, client, body, number) for number, body in enumerate(cases)]
        failures = [result for result in results if isinstance(result, CaseFailure)]
        if failures:
            self.tell(WorldEvent("cases.replay_failed", client.tenant_id))
        return failures

    def _linked_client(self, request: LinkRequest, account: ExistingAccount) -> Client:
        details = request.request.get("client") or {}
        users = request.request.get("users") or [{"name": account.name, "email": account.email}]
        random = self.random()
        return Client(
            tenant_id=request.tenant_id,
            creditor_id=account.creditor_id,
            link_id=new_id(random),
            name=details.get("name") or account.name,
            email=account.email,
            country=details.get("country") or account.country,
            linked=self.now(),
            users=[User(random.randrange(10**6, 10**9), u["name"], u["email"]) for u in users],
            attributed=False,
            signed=True,
            signed_before=True,
            referral_fee_bps=4000,
            kyc_status="not_required",
            address=details.get("address"),
            city=details.get("city"),
            zip_code=details.get("zipCode"),
            registration_number=account.registration_number,
        )

    def sign_power_of_attorney(self, client: Client, agency: Agency) -> None:
        """Give an agency the power of attorney, asked for or not; nothing where it has one.

        Releases the waiting cases that need no further signature.
        """
        if agency.id in client.poa_agencies:
            return
        client.poa_agencies.append(agency.id)
        if client.pending_poa == agency.id:
            client.pending_poa = None
        self.touched("clients")
        self.tell(
            WorldEvent(
                "client.onboarding.poa_signed",
                client.tenant_id,
                details={"signedAt": self.now()},
            )
        )
        self._release_waiting(client)

    def tell_of_link_requests(self) -> None:
        """Tell of every link request as if it happened anew, each with the moment it was.

        No list has them, so who begins to listen to a world that has a past would never know.
        """
        ends = {
            "approved": "client.linked",
            "declined": "client.link_declined",
            "expired": "client.link_expired",
        }
        for request in self.link_requests:
            told = [("client.link_requested", request.requested)]
            if request.outcome in ends and request.decided:
                told.append((ends[request.outcome], request.decided))
            for name, at in told:
                creditor_id = request.creditor_id
                self.tell(WorldEvent(name, request.tenant_id, creditor_id=creditor_id, at=at))
