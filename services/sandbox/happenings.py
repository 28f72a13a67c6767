"""What clients, debtors, collection partners and Debitura do by themselves, one act at a time.

Each act picks who does it by trying random rows, so that it costs the same in a small world and in
a large one; where none of the tried rows fits, nothing happens.
"""

from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from typing import TypeVar

from services.sandbox.intake import file_case
from services.sandbox.model import Case, Client, KycRecord, LinkRequest, Transaction
from services.sandbox.newcomers import case_body, link_body, new_account, new_client
from services.sandbox.seed_cases import RESOLUTION_AREAS
from services.sandbox.vocabulary import (
    NEVER_STARTED,
    PAID,
    PARTIALLY_PAID,
    PHASES,
    QUOTES_EXPIRED,
    UNRECOVERED_CLOSE_CODES,
)
from services.sandbox.world import World

Row = TypeVar("Row")
Steps = tuple[tuple[str, str | None, float], ...]
"""Lifecycle, close code and weight of each step that a case may take."""

TRIES = 60
RECENT_REQUESTS = 100
_STEPS_BEFORE: dict[str, Steps] = {
    "PendingVerificationInternal": (
        ("PendingVerification", None, 70),
        ("NeedsAdditionalDetails", None, 15),
        ("Leads", None, 10),
        ("Closed", "Invalid Case Data", 3),
        ("Closed", "Case never started - Internal", 2),
    ),
    "PendingVerification": (
        ("Active", None, 75),
        ("NeedsAdditionalDetails", None, 17),
        ("Leads", None, 5),
        ("Closed", "Case never started", 3),
    ),
    "NeedsAdditionalDetails": (
        ("PendingVerification", None, 88),
        ("Closed", "Invalid Case Data", 12),
    ),
    "Leads": (("LeadsQuoteGiven", None, 85), ("Closed", "No Quotes Received", 15)),
    "LeadsQuoteGiven": (("Active", None, 80), ("Closed", QUOTES_EXPIRED, 20)),
}
_CLOSE_CODES = [code for code in UNRECOVERED_CLOSE_CODES if code not in NEVER_STARTED]


class Happenings:
    """The acts, in one world, drawn from one generator."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random

    def sign_first_agreement(self) -> None:
        """A new client signs the standard agreement."""
        self._sign(lambda client: not client.signed and not client.signed_before)

    def sign_upgrade(self) -> None:
        """A client signs the new version of the standard agreement."""
        self._sign(lambda client: not client.signed and client.signed_before)

    def sign_poa(self) -> None:
        """A client signs the power of attorney it is asked for."""
        self._sign(lambda client: client.signed and client.pending_poa is not None)

    def require_upgrade(self) -> None:
        """A client has to sign a new version of the standard agreement."""
        client = self._pick(self._world.clients, lambda client: client.signed)
        if client:
            self._world.require_contract_upgrade(client)

    def settle_kyc(self) -> None:
        """A client hands in its director's identity; one that is handed in is verified."""
        client = self._pick(self._world.clients, lambda client: client.kyc_status == "pending")
        if client and client.kyc:
            self._world.verify_kyc(client)
        elif client:
            self._world.hand_in_kyc(client, self._identity(client))

    def approve_link(self) -> None:
        """The owner of an account approves a link request."""
        request = self._pending_request()
        if request:
            self._world.approve(request.token)

    def decline_link(self) -> None:
        """The owner of an account declines a link request."""
        request = self._pending_request()
        if request:
            self._world.decline(request.token)

    def ask_again(self) -> None:
        """The platform repeats a request that ended without a link."""
        request = self._pick(self._recent_requests(), self._may_ask_again)
        accounts = self._world.existing_accounts
        account = next(
            (a for a in accounts if request and a.creditor_id == request.creditor_id), None
        )
        if request and account:
            self._world.ask(request.tenant_id, account, request.request)

    def bring_client(self) -> None:
        """The platform's product creates a client, with its first claim or without one."""
        world = self._world
        random, now = world.random(), world.now()
        client = new_client(random, now, world.referral_fee_bps)
        world.add_client(client)
        if self._random.random() < 0.5:
            file_case(world, client, case_body(random, client.country, now), 0)

    def bring_account(self) -> None:
        """The platform's product creates a client that has a Debitura account already."""
        world = self._world
        random = world.random()
        account = new_account(random)
        body = link_body(random, account, world.now())
        world.add_account(account)
        world.ask(body["externalTenantId"], account, body)

    def submit_case(self) -> None:
        """A client submits a claim."""
        world = self._world
        client = self._pick(world.clients, lambda client: client.signed and not client.blocked)
        if client:
            file_case(world, client, case_body(world.random(), client.country, world.now()), 0)

    def check_case(self) -> None:
        """A case goes a step towards its collection, or is given up before; a client may answer
        first what it was asked."""
        case = self._pick(self._world.cases, lambda case: case.lifecycle in _STEPS_BEFORE)
        if case is None:
            return
        if case.missing_info and case.responded is None and self._random.random() < 0.6:
            self._world.respond(case)
        else:
            self._step(case, _STEPS_BEFORE[case.lifecycle])

    def pause_case(self) -> None:
        """A collection is paused, or a paused one goes on."""
        # As often one as the other, so that paused ones do not pile up.
        before, after = self._random.sample(("Active", "Paused"), 2)
        case = self._pick(self._world.cases, lambda case: case.lifecycle == before)
        if case:
            self._world.move_case(case, after)

    def close_case(self) -> None:
        """A collection ends with no further payment."""
        case = self._pick(self._world.cases, _is_worked)
        if case is None:
            return
        code = self._random.choice(_CLOSE_CODES)
        if case.remainder < case.gross:
            code = PARTIALLY_PAID if case.remainder else PAID
        comment = "Closed as agreed with the client." if code == "Other" else None
        self._world.move_case(case, "Closed", close_code=code, close_comment=comment)

    def change_phase(self) -> None:
        """A collection enters the next phase, now and then the one before."""
        case = self._pick(self._world.cases, _is_active)
        if case is None or case.phase is None:
            return
        step = 1 if self._random.random() < 0.85 else -1
        place = PHASES.index(case.phase) + step
        if 0 <= place < len(PHASES):
            self._world.change_phase(case, PHASES[place])

    def take_payment(self) -> None:
        """A debtor pays a part, or all that is left."""
        case = self._pick(self._world.cases, lambda case: _is_active(case) and case.earns)
        if case is None:
            return
        part = int(case.remainder * self._random.uniform(0.1, 0.7))
        if part == 0 or self._random.random() < 0.3:
            self._world.close_paid(case)
        else:
            self._world.collect(case, part)

    def move_money(self) -> None:
        """A payment's fee goes a step on its way to the partner."""
        row = self._pick(self._world.transactions, lambda row: bool(_next_statuses(row)))
        if row:
            self._world.move_transaction(row, **_next_statuses(row))

    def dispute_money(self) -> None:
        """Debitura disputes what the partner has invoiced."""
        row = self._pick(self._world.transactions, lambda row: row.referral_status == "Invoiced")
        if row:
            self._world.move_transaction(row, referral="Disputed")

    def _sign(self, fits: Callable[[Client], bool]) -> None:
        client = self._pick(self._world.clients, fits)
        if client:
            self._world.sign_agreement(client.link_id)

    def _identity(self, client: Client) -> KycRecord:
        random = self._random
        return KycRecord(
            full_name=client.users[0].name,
            home_address=f"{client.address}, {client.zip_code} {client.city}",
            birth_date=date(1955 + random.randrange(45), random.randint(1, 12), 1),
            created=self._world.now(),
            status="Processing",
        )

    def _recent_requests(self) -> list[LinkRequest]:
        return self._world.link_requests[-RECENT_REQUESTS:]

    def _pending_request(self) -> LinkRequest | None:
        return self._pick(self._recent_requests(), lambda request: request.outcome == "pending")

    def _may_ask_again(self, request: LinkRequest) -> bool:
        waiting = {r.tenant_id for r in self._recent_requests() if r.outcome == "pending"}
        ended = request.outcome in ("expired", "declined")
        return ended and request.tenant_id not in waiting

    def _step(self, case: Case, steps: Steps) -> None:
        weights = [weight for _, _, weight in steps]
        lifecycle, close_code, _ = self._random.choices(steps, weights)[0]
        assigns = lifecycle in ("PendingVerification", "Active")
        if assigns and self._world.ask_for_poa(case):
            return
        missing: tuple[str, ...] = ()
        if lifecycle == "NeedsAdditionalDetails":
            missing = tuple(
                self._random.sample(list(RESOLUTION_AREAS), self._random.choice((1, 2)))
            )
        self._world.move_case(case, lifecycle, close_code=close_code, missing_info=missing)

    def _pick(self, rows: Sequence[Row], fits: Callable[[Row], bool]) -> Row | None:
        tried = (self._random.choice(rows) for _ in range(TRIES if rows else 0))
        return next((row for row in tried if fits(row)), None)


def _is_active(case: Case) -> bool:
    return case.lifecycle == "Active"


def _is_worked(case: Case) -> bool:
    return case.lifecycle in ("Active", "Paused")


def _next_statuses(row: Transaction) -> dict[str, str]:
    """The status that changes next; empty for money that has arrived or was credited."""
    if "Credited" in row.commission_status or "Credited" in row.platform_status:
        return {}
    if row.commission_status == "Unpaid":
        return {"commission": "Paid"}
    if row.platform_status != "PaymentReceived":
        issued = row.platform_status == "InvoiceIssued"
        return {"platform": "PaymentReceived" if issued else "InvoiceIssued"}
    if row.referral_status == "Paid":
        return {}
    return {"referral": "Paid" if row.referral_status == "Invoiced" else "Invoiced"}
