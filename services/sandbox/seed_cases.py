"""The cases of a fresh world."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random

from services.sandbox import names
from services.sandbox.model import Agency, Case, Client, Payment
from services.sandbox.money import CURRENCY_DIGITS, USD_MICROS
from services.sandbox.seed_clients import moment, new_id
from services.sandbox.vocabulary import (
    COUNTRIES,
    COUNTRY_BY_ID,
    LIFECYCLE_LABELS,
    NEVER_STARTED,
    OLDER_LABELS,
    PAID,
    PARTIALLY_PAID,
    PHASES,
    UNRECOVERED_CLOSE_CODES,
    US_STATES,
    Country,
)

PAYING_SHARE = 0.42
OLDEST_CASE_DAYS = 735
RESOLUTION_AREAS = {
    "ProvideDocuments": "Please upload the invoice and the order it refers to.",
    "CorrectDebtorAddress": "The debtor's address was not found; please correct it.",
    "ConfirmDebtorIdentity": "Please confirm the debtor's registration number.",
    "ClarifyClaim": "Please describe what was delivered and when.",
}
_NEVER_ASSIGNED = {*NEVER_STARTED} - {"Case never started", "Invalid Case Data"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one case is to become. ``pays`` marks a case with earning payments."""

    lifecycle: str
    close_code: str | None = None
    pays: bool = False
    collected_elsewhere: bool = False

    @property
    def closed(self) -> bool:
        """Nobody works on it any more."""
        return self.lifecycle in ("Closed", "Merged")

    @property
    def engaged(self) -> bool:
        """A collection partner has begun to work on it."""
        if self.close_code in NEVER_STARTED:
            return False
        return self.closed or self.lifecycle in ("Active", "Paused")


_PAYING = (
    (Plan("Closed", PAID, pays=True), 50),
    (Plan("Closed", PARTIALLY_PAID, pays=True), 14),
    (Plan("Active", pays=True), 32),
    (Plan("Paused", pays=True), 4),
)
_NOT_PAYING = (
    (Plan("PendingContractSigning"), 6),
    (Plan("PendingVerificationInternal"), 4),
    (Plan("PendingVerification"), 5),
    (Plan("NeedsAdditionalDetails"), 7),
    (Plan("Leads"), 4),
    (Plan("LeadsQuoteGiven"), 3),
    (Plan("Active"), 38),
    (Plan("Paused"), 4),
    (Plan("Merged"), 1.5),
    (Plan("Closed", PAID, collected_elsewhere=True), 1.5),
    *(
        (Plan("Closed", code), 26 / len(UNRECOVERED_CLOSE_CODES))
        for code in UNRECOVERED_CLOSE_CODES
    ),
)


class ClientPicker:
    """Draws clients, the busy ones more often, that were linked before a given time."""

    def __init__(self, random: Random, clients: Iterable[Client]) -> None:
        self._random = random
        self._clients = sorted(clients, key=lambda client: client.linked)
        self._linked = [client.linked for client in self._clients]
        self._weights = list(
            accumulate(min(40.0, random.paretovariate(1.1)) for _ in self._clients)
        )

    def pick(self, before: datetime) -> Client | None:
        """A client linked at or before a time; None when there is none."""
        count = bisect_right(self._linked, before)
        if not count:
            return None
        drawn = self._random.random() * self._weights[count - 1]
        return self._clients[bisect_right(self._weights, drawn, 0, count - 1)]


class CaseSeeder:
    """Makes cases that agree with their clients and agencies."""

    def __init__(
        self,
        random: Random,
        today: date,
        *,
        clients: list[Client],
        may_have_cases: set[str],
        agencies: list[Agency],
    ) -> None:
        self._random = random
        self._today = today
        self._agencies = {agency.id: agency for agency in agencies}
        self._agencies_at: dict[int, list[Agency]] = {
            country.id: [
                agency
                for agency in agencies
                if country.id in agency.jurisdiction_ids or agency.country_id == country.id
            ]
            for country in COUNTRIES
        }
        self._home = {country.name: country for country in COUNTRIES}
        usual = [client for client in clients if client.tenant_id in may_have_cases]
        self._usual = ClientPicker(random, usual)
        self._elsewhere = ClientPicker(
            random, [client for client in usual if not client.attributed]
        )
        self._waiting = ClientPicker(
            random, [client for client in clients if not client.signed or client.pending_poa]
        )
        self._start = moment(today, 0)

    def make(self, count: int, paying: int) -> list[tuple[Case, Plan]]:
        """``count`` cases, oldest first, of which ``paying`` have earning payments."""
        plans = _plans(self._random, _PAYING, paying)
        plans += _plans(self._random, _NOT_PAYING, count - paying)
        made = [(self._case(plan, number), plan) for number, plan in enumerate(plans)]
        made.sort(key=lambda pair: pair[0].created)
        for number, (case, _) in enumerate(made):
            case.reference = f"DEB-{100_001 + number:06}"
        return made

    def _case(self, plan: Plan, number: int) -> Case:
        random = self._random
        created = moment(self._today, self._age_days(plan))
        client, created = self._client(plan, created)
        agency, country = self._place(plan, client)
        currency = country.currency if random.random() < 0.94 else random.choice(("USD", "EUR"))
        gross = self._gross(currency)
        due = (created - timedelta(days=random.randint(8, 150))).replace(hour=0, minute=0, second=0)
        private = random.random() < 0.3
        make_name = names.person_name if private else names.company_name
        case = Case(
            id=new_id(random),
            reference="",
            creditor_reference=f"INV-{created.year}-{number + 1:06}"
            if random.random() < 0.9
            else None,
            tenant_id=client.tenant_id,
            debtor_name=make_name(random, country.alpha2),
            debtor_type="Private" if private else "Company",
            country_id=country.id,
            currency=currency,
            gross=gross,
            remainder=gross,
            lifecycle=plan.lifecycle,
            label=self._label(plan.lifecycle),
            created=created,
            invoice_date=due - timedelta(days=random.choice((8, 14, 30))),
            due=due,
            success_fee_bps=agency.success_fee_bps if agency else 2000,
            state=random.choice(list(US_STATES)) if country.alpha2 == "US" else None,
            close_code=plan.close_code,
            agency_id=agency.id if agency else None,
            earns=not plan.collected_elsewhere,
        )
        self._engage(case, plan)
        self._details(case, plan)
        if agency and agency.needs_poa and plan.engaged and agency.id not in client.poa_agencies:
            client.poa_agencies.append(agency.id)
        return case

    def _age_days(self, plan: Plan) -> float:
        least, most, bend = 0.2, 170, 2.6
        if plan.pays or plan.collected_elsewhere:
            least, most, bend = 30, OLDEST_CASE_DAYS, 1.2
        elif plan.closed:
            least, most, bend = 40, OLDEST_CASE_DAYS, 1
        elif plan.lifecycle in ("Active", "Paused"):
            least, most, bend = 3, 420, 1.6
        drawn: float = self._random.random() ** bend
        return least + (most - least) * drawn

    def _client(self, plan: Plan, created: datetime) -> tuple[Client, datetime]:
        picker = self._usual
        if plan.lifecycle == "PendingContractSigning":
            picker = self._waiting
        elif plan.collected_elsewhere:
            picker = self._elsewhere
        client = picker.pick(created)
        if client is None:
            client = picker.pick(self._start) or self._usual.pick(self._start)
        if client is None:
            raise ValueError("a world with cases needs at least one client")
        return client, max(created, client.linked + timedelta(minutes=9))

    def _place(self, plan: Plan, client: Client) -> tuple[Agency | None, Country]:
        random = self._random
        if plan.lifecycle == "PendingContractSigning" and client.pending_poa:
            return None, COUNTRY_BY_ID[self._agencies[client.pending_poa].country_id]
        at_home = random.random() < 0.6
        country = self._home[client.country] if at_home else random.choice(COUNTRIES)
        assigned = plan.engaged or plan.lifecycle == "PendingVerification"
        if plan.lifecycle == "NeedsAdditionalDetails":
            assigned = random.random() < 0.5
        if plan.closed and plan.close_code not in _NEVER_ASSIGNED:
            assigned = True
        if not assigned:
            return None, country
        # A power of attorney that is still asked for cannot have been used.
        choices = [
            agency for agency in self._agencies_at[country.id] if agency.id != client.pending_poa
        ]
        if not choices:
            country = COUNTRIES[0]
            choices = self._agencies_at[country.id]
        return random.choice(choices), country

    def _gross(self, currency: str) -> int:
        euros = min(240_000.0, max(140.0, self._random.lognormvariate(7.9, 1.15)))
        major = euros * USD_MICROS["EUR"] / USD_MICROS[currency]
        return int(major * 10 ** CURRENCY_DIGITS[currency])

    def _label(self, lifecycle: str) -> str:
        if lifecycle in OLDER_LABELS and self._random.random() < 0.25:
            return OLDER_LABELS[lifecycle]
        return LIFECYCLE_LABELS[lifecycle]

    def _engage(self, case: Case, plan: Plan) -> None:
        random = self._random
        span = (self._start - case.created).total_seconds()
        if plan.engaged:
            wait = min(span * 0.2, 86_400 * random.uniform(0.3, 8))
            case.started = case.created + timedelta(seconds=int(wait))
            drawn = random.random()
            case.phase = PHASES[0] if drawn < 0.66 else PHASES[1] if drawn < 0.89 else PHASES[2]
        if plan.closed:
            case.finished = case.created + timedelta(seconds=int(span * random.uniform(0.5, 0.99)))
        if plan.collected_elsewhere and case.started and case.finished:
            middle = case.started + (case.finished - case.started) / 2
            case.other_payments = (Payment(case.gross, middle.replace(microsecond=0)),)
            case.remainder = 0

    def _details(self, case: Case, plan: Plan) -> None:
        random = self._random
        if plan.lifecycle == "NeedsAdditionalDetails":
            areas = random.sample(list(RESOLUTION_AREAS), random.choice((1, 1, 2)))
            case.missing_info = tuple(areas)
            if random.random() < 0.3:
                span = (self._start - case.created).total_seconds()
                case.responded = case.created + timedelta(seconds=int(span * 0.7))
        if case.agency_id:
            wobble = random.choice((-150, -50, 0, 0, 50, 150))
            case.success_fee_bps = min(2800, max(1200, case.success_fee_bps + wobble))
        if plan.engaged:
            case.dispute_status = random.choice(
                (
                    None,
                    None,
                    "No, the claim is not disputed",
                    "Don't Know",
                    "Yes, the claim is disputed",
                )
            )


def _plans(random: Random, table: tuple[tuple[Plan, float], ...], count: int) -> list[Plan]:
    """Each plan at least once while there is room, the rest by weight, in random order."""
    plans = [plan for plan, _ in table][:count]
    weights = [weight for _, weight in table]
    plans += random.choices([plan for plan, _ in table], weights, k=count - len(plans))
    random.shuffle(plans)
    return plans
