"""What a world holds: lookups, running totals, and the basic changes of its records."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from services.sandbox.model import (
    Agency,
    Case,
    ChatMessage,
    Client,
    ExistingAccount,
    LinkRequest,
    Subscription,
    Transaction,
    WorldState,
)
from services.sandbox.options import InvoicingMode, SandboxOptions
from services.sandbox.revenue import is_counted
from services.sandbox.seed_clients import new_id
from services.sandbox.seed_transactions import earn
from services.sandbox.vocabulary import (
    COUNTRY_BY_ALPHA2,
    COUNTRY_BY_ID,
    JURISDICTIONS,
    LIFECYCLE_LABELS,
    NEVER_STARTED,
    PAID,
    PHASES,
    Jurisdiction,
    lifecycle_group,
)

"""Close codes of a case that no collection partner began to work on."""


@dataclass(frozen=True, slots=True)
class WorldEvent:
    """Something that a webhook may tell of; ``name`` is one of the documented events.

    ``creditor_id`` names the account of a client that is not linked, ``at`` when it happened where
    that is not now.
    """

    name: str
    tenant_id: str
    case_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    creditor_id: str | None = None
    at: datetime | None = None


@dataclass(slots=True)
class ClientTotals:
    """What a client's cases add up to."""

    cases: int = 0
    closed: int = 0
    earnings_cents: int = 0


class Records:
    """All clients, cases, transactions and requests of one sandbox.

    ``now`` gives the current time and may be replaced by a test. Each of
    ``listeners`` is called with every WorldEvent.
    """

    def __init__(
        self,
        state: WorldState,
        options: SandboxOptions,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.state = state
        self.mode: InvoicingMode = options.invoicing_mode
        self.link_ttl = timedelta(days=options.link_ttl_days)
        # A world of another day lives on that day; the time of day is the real one.
        shift = options.today - datetime.now(UTC).date() if options.today else timedelta()
        self.now = now or (lambda: datetime.now(UTC).replace(microsecond=0) + shift)
        self.listeners: list[Callable[[WorldEvent], None]] = []
        self.referral_fee_bps = 5000
        self.revision = 0
        self.revisions = {"clients": 0, "cases": 0, "transactions": 0}
        self.agencies: dict[str, Agency] = {agency.id: agency for agency in state.agencies}
        self._clients = {client.tenant_id: client for client in state.clients}
        self._clients_by_creditor = {client.creditor_id: client for client in state.clients}
        self._cases = {case.id: case for case in state.cases}
        self._transactions: dict[str, list[Transaction]] = defaultdict(list)
        self._totals: tuple[int, dict[str, ClientTotals]] = (-1, {})
        for transaction in state.transactions:
            self._transactions[transaction.case_id].append(transaction)

    @property
    def clients(self) -> list[Client]:
        """Active links, oldest first."""
        return self.state.clients

    @property
    def cases(self) -> list[Case]:
        """Every case, oldest first."""
        return self.state.cases

    @property
    def transactions(self) -> list[Transaction]:
        """Every transaction, oldest first for those that were seeded."""
        return self.state.transactions

    @property
    def existing_accounts(self) -> list[ExistingAccount]:
        """Debitura accounts that ask for approval when they are created as clients; the second
        half of the list has no request yet."""
        linked = self._clients_by_creditor
        return [account for account in self.state.accounts if account.creditor_id not in linked]

    @property
    def link_requests(self) -> list[LinkRequest]:
        """Every request to link an existing account, oldest first."""
        return self.state.link_requests

    def subscribers(self, event: str) -> list[Subscription]:
        """The active webhook subscriptions of an event."""
        return [s for s in self.state.subscriptions if s.is_active and event in s.events]

    def active_subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription of an id; None when it was switched off or deleted."""
        active = (s for s in self.state.subscriptions if s.is_active)
        return next((s for s in active if s.id == subscription_id), None)

    def disable(self, subscription: Subscription, reason: str) -> None:
        """Switch a subscription off, with a sentence that says why."""
        subscription.is_active = False
        subscription.disabled_reason = reason
        subscription.updated = self.now()
        self.touched()

    def client(self, tenant_id: str) -> Client | None:
        """The active client of a tenant id (case-sensitive)."""
        return self._clients.get(tenant_id)

    def client_of_creditor(self, creditor_id: str) -> Client | None:
        """The active client of a creditor id."""
        return self._clients_by_creditor.get(creditor_id)

    def client_of_link(self, link_id: str) -> Client | None:
        """The active client of an onboarding or signing link."""
        return next((client for client in self.clients if client.link_id == link_id), None)

    def case(self, case_id: str) -> Case | None:
        """The case of an id."""
        return self._cases.get(case_id.lower())

    def client_like(self, email: str, registration_number: str | None) -> Client | None:
        """An active client with this office email or registration number."""
        return next(
            (
                client
                for client in self.clients
                if client.email.casefold() == email.casefold()
                or (registration_number and client.registration_number == registration_number)
            ),
            None,
        )

    def cases_of(self, tenant_id: str) -> list[Case]:
        """A client's cases, oldest first."""
        return [case for case in self.cases if case.tenant_id == tenant_id]

    def transactions_of(self, case_id: str) -> list[Transaction]:
        """A case's transactions."""
        return self._transactions.get(case_id, [])

    def totals(self, tenant_id: str) -> ClientTotals:
        """Case counts and counted earnings of a client; computed once for each revision."""
        revision, totals = self._totals
        if revision != self.revision:
            totals = self._sum_totals()
            self._totals = (self.revision, totals)
        return totals.get(tenant_id, ClientTotals())

    def _sum_totals(self) -> dict[str, ClientTotals]:
        totals: dict[str, ClientTotals] = defaultdict(ClientTotals)
        for case in self.cases:
            mine = totals[case.tenant_id]
            mine.cases += 1
            mine.closed += lifecycle_group(case.lifecycle) == "closed"
        for transaction in self.transactions:
            if is_counted(transaction, self.mode):
                totals[transaction.tenant_id].earnings_cents += transaction.referral_fee_cents
        return dict(totals)

    def jurisdiction(self, alpha2: str, state: str | None) -> Jurisdiction | None:
        """Where a debtor is: by country, for the United States by state."""
        country = COUNTRY_BY_ALPHA2.get(alpha2.upper())
        if country is None:
            return None
        if country.alpha2 != "US":
            state = None
        return next((j for j in JURISDICTIONS if j.country is country and j.state == state), None)

    def agencies_at(self, jurisdiction: Jurisdiction | None) -> list[Agency]:
        """The collection partners of a jurisdiction, the preferred one first."""
        if jurisdiction is None:
            return []
        return [
            agency for agency in self.state.agencies if jurisdiction.id in agency.jurisdiction_ids
        ]

    def agency_for(self, case: Case) -> Agency | None:
        """The agency a case is assigned to, or else the one that would get it."""
        if case.agency_id:
            return self.agencies[case.agency_id]
        country = COUNTRY_BY_ID[case.country_id]
        return next(iter(self.agencies_at(self.jurisdiction(country.alpha2, case.state))), None)

    def random(self) -> Random:
        """A generator for the next thing made, the same for the same world and history."""
        self.state.sequence += 1
        return Random(f"{self.state.seed}:{self.state.sequence}")

    def touched(self, *lists: str) -> None:
        """Note a change, so that cached lists of these kinds are built anew and it is saved."""
        self.revision += 1
        for name in lists:
            self.revisions[name] += 1

    def tell(self, event: WorldEvent) -> None:
        """Pass an event to every listener."""
        for listener in self.listeners:
            listener(event)

    def add_client(self, client: Client) -> None:
        """Link a new client."""
        self.state.clients.append(client)
        self._clients[client.tenant_id] = client
        self._clients_by_creditor[client.creditor_id] = client
        self.touched("clients")

    def archive_client(self, client: Client) -> None:
        """End a client's link: it is listed no more, and neither is anything of it."""
        self.state.clients.remove(client)
        del self._clients[client.tenant_id]
        del self._clients_by_creditor[client.creditor_id]
        for case in self.cases_of(client.tenant_id):
            del self._cases[case.id]
            self._transactions.pop(case.id, None)
        self.state.cases[:] = [c for c in self.cases if c.tenant_id != client.tenant_id]
        self.state.transactions[:] = [
            t for t in self.transactions if t.tenant_id != client.tenant_id
        ]
        self.touched("clients", "cases", "transactions")

    def add_case(self, case: Case) -> None:
        """File a new case under the next reference and tell of it."""
        case.reference = self._next_reference()
        self.state.cases.append(case)
        self._cases[case.id] = case
        self.touched("clients", "cases")
        self.tell(WorldEvent("case.created", case.tenant_id, case.id))

    def _next_reference(self) -> str:
        last = self.state.cases[-1].reference if self.state.cases else "DEB-100000"
        return f"DEB-{int(last.removeprefix('DEB-')) + 1:06}"

    def remove_case(self, case: Case) -> None:
        """Delete a case and all it earned."""
        self.state.cases.remove(case)
        del self._cases[case.id]
        for transaction in self._transactions.pop(case.id, []):
            self.state.transactions.remove(transaction)
        self.touched("clients", "cases", "transactions")

    def move_case(
        self,
        case: Case,
        lifecycle: str,
        *,
        close_code: str | None = None,
        close_comment: str | None = None,
        missing_info: tuple[str, ...] = (),
    ) -> None:
        """Bring a case into another lifecycle now and tell of it.

        A close code and a comment go with Closed, what is missing with NeedsAdditionalDetails.
        Assigns the jurisdiction's agency and starts the collection where that is still missing,
        but for a case that is closed as never started.
        """
        old = case.label
        case.lifecycle, case.label = lifecycle, LIFECYCLE_LABELS[lifecycle]
        case.missing_info = missing_info
        if missing_info:
            case.responded = None
        if lifecycle == "PendingVerification":
            self._assign(case)
        if lifecycle in ("Active", "Closed") and close_code not in NEVER_STARTED:
            self._engage(case)
        if lifecycle == "Closed":
            case.close_code = close_code
            case.finished = self.now()
        self.touched("clients", "cases")
        details = {
            "oldLifecycle": old,
            "newLifecycle": case.label,
            "closeCode": close_code,
            "closeComment": close_comment,
        }
        name = "case.closed" if lifecycle == "Closed" else "case.updated"
        self.tell(WorldEvent(name, case.tenant_id, case.id, details))

    def _assign(self, case: Case) -> None:
        agency = self.agency_for(case)
        case.agency_id = agency.id if agency else None

    def _engage(self, case: Case) -> None:
        self._assign(case)
        case.started = case.started or self.now()
        case.phase = case.phase or PHASES[0]

    def change_phase(self, case: Case, phase: str) -> None:
        """Bring a case into another engagement phase and tell of it."""
        case.phase = phase
        self.touched("cases")
        details = {"oldLifecycle": case.label, "newLifecycle": case.label}
        self.tell(WorldEvent("case.updated", case.tenant_id, case.id, details))

    def respond(self, case: Case) -> None:
        """Note that the client has answered what it was asked about a case."""
        case.responded = self.now()
        self.touched("cases")

    def collect(self, case: Case, amount: int) -> Transaction | None:
        """Take a payment of so many minor units, at most the remainder; None when the case earns
        the partner nothing or nothing is left to pay."""
        amount = min(amount, case.remainder)
        client = self.client(case.tenant_id)
        if amount <= 0 or client is None or not case.earns:
            return None
        transaction = earn(new_id(self.random()), case, amount, self.now(), client.referral_fee_bps)
        case.remainder -= amount
        self.state.transactions.append(transaction)
        self._transactions[case.id].append(transaction)
        self.touched("clients", "cases", "transactions")
        return transaction

    def move_transaction(
        self,
        transaction: Transaction,
        *,
        commission: str | None = None,
        platform: str | None = None,
        referral: str | None = None,
    ) -> None:
        """Bring money to another status on its way to the partner; None leaves a status as it
        is."""
        transaction.commission_status = commission or transaction.commission_status
        transaction.platform_status = platform or transaction.platform_status
        transaction.referral_status = referral or transaction.referral_status
        self.touched("transactions", "clients")

    def close_paid(self, case: Case) -> None:
        """Collect what is left and close the case as paid."""
        self.collect(case, case.remainder)
        self.move_case(case, "Closed", close_code=PAID)

    def say(self, case: Case, role: int, author: tuple[str, str], message: str) -> ChatMessage:
        """Add a chat message by an author (name, email) to a case."""
        made = ChatMessage(
            new_id(self.random()), case.id, self.now(), role, message, author[0], author[1]
        )
        self.state.messages.append(made)
        self.touched()
        return made
