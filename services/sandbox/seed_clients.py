"""The clients, existing accounts and link requests of a fresh world."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from services.sandbox import names
from services.sandbox.model import (
    Agency,
    Client,
    ExistingAccount,
    KycRecord,
    LinkOutcome,
    LinkRequest,
    User,
)
from services.sandbox.vocabulary import COUNTRIES, COUNTRY_BY_ALPHA2, JURISDICTIONS, Country

OLDEST_LINK_DAYS = 790
EXISTING_ACCOUNTS = 48

# Text from outside that a product must show as it is.
_AWKWARD_NAMES = (
    ("GB", '<b>Bold</b> & "Quoted" Ltd'),
    ("GB", "O'Sullivan & D'Arcy-Jones Ltd"),
    ("KW", "شركة الواحة الخضراء للتجارة العامة"),
    ("DK", "🌱 Grønspire ApS"),
    ("FR", "Brûlerie Étoile-du-Nord & Fils SARL"),
    ("DE", "Möbelträume Größing GmbH"),
)
_AWKWARD_TENANT_IDS = (
    "acme/eu/42",
    "tenant with spaces",
    "what?is=this&that",
    "100%-natur",
    "kunde-ünïcode-客户",
    "team/withdraw",
    "a+b#c",
)


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    share: float
    oldest_days: int
    cases: bool


_STAGES = (
    _Stage("onboarding", 0.16, 200, cases=False),
    _Stage("contract_upgrade", 0.06, OLDEST_LINK_DAYS, cases=True),
    _Stage("poa_pending", 0.08, 400, cases=True),
    _Stage("kyc_pending", 0.04, 200, cases=True),
    _Stage("no_case", 0.14, 300, cases=False),
    _Stage("with_cases", 0.52, OLDEST_LINK_DAYS, cases=True),
)


def new_id(random: Random) -> str:
    """A version 4 UUID out of a repeatable generator."""
    return str(UUID(int=random.getrandbits(128), version=4))


def moment(today: date, age_days: float) -> datetime:
    """The time, to the second, that many days before the start of ``today``."""
    return datetime.combine(today, time(), UTC) - timedelta(seconds=int(age_days * 86_400))


def seed_agencies(random: Random) -> list[Agency]:
    """Eleven invented collection partners; together they cover all but two countries."""
    rows = (
        ("Nordlys Inkasso ApS", "DK", "DK SE FI", 1800, False, False),
        ("Midnatt Kreditkonsult AB", "SE", "SE FI", 1600, False, False),
        ("Hansekontor Forderungen GmbH", "DE", "DE", 1450, True, False),
        ("Cabinet Verlaine Recouvrement", "FR", "FR", 2050, True, False),
        ("Polderhof Incasso B.V.", "NL", "NL DE", 1500, False, False),
        ("Cobros Altamira-Sol S.L.", "ES", "ES", 2300, True, False),
        ("Studio Recupero Lucenti", "IT", "IT", 2500, True, False),
        ("Thornbury Vale Credit Services Ltd", "GB", "GB", 1200, False, False),
        ("Blue Heron Receivables LLC", "US", "US", 2200, False, False),
        ("Minatogaoka Saiken Kanri K.K.", "JP", "JP", 2600, True, False),
        ("Al Rimal Collections W.L.L.", "KW", "KW", 2800, True, True),
    )
    return [
        Agency(
            id=new_id(random),
            name=name,
            country_id=COUNTRY_BY_ALPHA2[home].id,
            jurisdiction_ids=tuple(
                place.id for place in JURISDICTIONS if place.country.alpha2 in covered.split()
            ),
            success_fee_bps=fee,
            needs_poa=poa,
            needs_kyc=kyc,
        )
        for name, home, covered, fee, poa, kyc in rows
    ]


def seed_clients(
    random: Random, count: int, today: date, agencies: list[Agency]
) -> tuple[list[Client], set[str]]:
    """``count`` clients, oldest link first, and the tenant ids of those that may have cases."""
    stages = _stages(random, count)
    taken_names: set[str] = set()
    clients = []
    may_have_cases = set()
    for number, stage in enumerate(stages):
        country = random.choice(COUNTRIES)
        client = _client(random, number, today, country=country, taken_names=taken_names)
        _apply_stage(random, client, stage, agencies, today, number)
        clients.append(client)
        if stage.cases:
            may_have_cases.add(client.tenant_id)
    _make_awkward(clients, may_have_cases)
    clients.sort(key=lambda client: client.linked)
    return clients, may_have_cases


def _stages(random: Random, count: int) -> list[_Stage]:
    stages = [stage for stage in _STAGES for _ in range(max(1, int(stage.share * count)))]
    # The last stage is the usual one; the oldest link has to be able to carry the oldest cases.
    stages = [_STAGES[-1], *stages, *[_STAGES[-1]] * count][:count]
    rest = stages[1:]
    random.shuffle(rest)
    return stages[:1] + rest


def _client(
    random: Random, number: int, today: date, *, country: Country, taken_names: set[str]
) -> Client:
    name = names.company_name(random, country.alpha2)
    place = names.address(random, country.alpha2)
    if name in taken_names:
        name = f"{name} ({place.city} {number})"
    taken_names.add(name)
    domain = f"{names.slug(name)[:40].strip('-')}.example"
    age = OLDEST_LINK_DAYS if number == 0 else 1 + (OLDEST_LINK_DAYS - 3) * random.random() ** 1.4
    return Client(
        tenant_id=f"tenant-{number + 1:05}" if number % 3 else f"org_{random.getrandbits(40):010x}",
        creditor_id=new_id(random),
        link_id=new_id(random),
        name=name,
        email=f"office@{domain}",
        country=country.name,
        linked=moment(today, age),
        users=_users(random, number, country, domain),
        attributed=random.random() < 0.8,
        signed=True,
        signed_before=True,
        referral_fee_bps=random.choice((3000, 4000, 5000, 5000)),
        kyc_status=random.choice(("not_required", "not_required", "verified")),
        address=place.street,
        city=place.city,
        zip_code=place.zip_code,
        registration_number=f"{country.alpha2}{random.randrange(10**7, 10**8)}",
    )


def _users(random: Random, number: int, country: Country, domain: str) -> list[User]:
    users = []
    for place in range(random.choice((1, 1, 1, 2, 3))):
        person = names.person_name(random, country.alpha2)
        users.append(User(number * 10 + place + 1, person, f"{names.slug(person)}@{domain}"))
    return users


def _apply_stage(
    random: Random,
    client: Client,
    stage: _Stage,
    agencies: list[Agency],
    today: date,
    number: int,
) -> None:
    if stage.name in ("onboarding", "no_case", "poa_pending") and number:
        client.linked = moment(today, 0.5 + stage.oldest_days * random.random() ** 2)
    if stage.name == "onboarding":
        client.signed = client.signed_before = False
        client.attributed = True
        client.kyc_status = random.choice(("not_required", "pending", None))
    elif stage.name == "contract_upgrade":
        client.signed = False
    elif stage.name == "poa_pending":
        wanted = random.choice([agency for agency in agencies if agency.needs_poa])
        client.pending_poa = wanted.id
        client.kyc_status = random.choice(("pending", "verified"))
    elif stage.name == "kyc_pending":
        client.kyc_status = "pending"
    if (
        stage.name not in ("poa_pending", "kyc_pending")
        and client.kyc_status != "verified"
        and random.random() < 0.05
    ):
        client.kyc_status = None
    if client.kyc_status in ("verified", "pending"):
        client.kyc = _kyc(random, client)


def _kyc(random: Random, client: Client) -> KycRecord | None:
    verified = client.kyc_status == "verified"
    if not verified and random.random() < 0.4:
        return None
    created = client.linked + timedelta(minutes=random.randint(5, 700))
    return KycRecord(
        full_name=client.users[0].name,
        home_address=f"{client.address}, {client.zip_code} {client.city}",
        birth_date=date(1955 + random.randrange(45), random.randint(1, 12), random.randint(1, 28)),
        created=created,
        status="Completed" if verified else random.choice(("Processing", None)),
        status_updated=created + timedelta(hours=3) if verified else None,
    )


def _make_awkward(clients: list[Client], may_have_cases: set[str]) -> None:
    for client, (alpha2, name) in zip(clients[1:], _AWKWARD_NAMES, strict=False):
        client.name = name
        client.country = COUNTRY_BY_ALPHA2[alpha2].name
    for client, tenant_id in zip(clients[3:], _AWKWARD_TENANT_IDS, strict=False):
        if client.tenant_id in may_have_cases:
            may_have_cases.remove(client.tenant_id)
            may_have_cases.add(tenant_id)
        client.tenant_id = tenant_id
    usual = [client for client in clients if client.tenant_id in may_have_cases]
    if len(usual) > 20:
        usual[-1].blocked = True


def seed_accounts(random: Random) -> list[ExistingAccount]:
    """Debitura accounts that no partner is linked to."""
    accounts = []
    for number in range(EXISTING_ACCOUNTS):
        country = random.choice(COUNTRIES)
        name = names.company_name(random, country.alpha2)
        domain = f"{names.slug(name)[:36].strip('-')}-{number:02}.example"
        accounts.append(
            ExistingAccount(
                creditor_id=new_id(random),
                name=name,
                email=f"finance@{domain}",
                registration_number=f"{country.alpha2}9{random.randrange(10**7, 10**8)}",
                country=country.name,
            )
        )
    return accounts


def seed_link_requests(
    random: Random,
    today: date,
    accounts: list[ExistingAccount],
    clients: list[Client],
    *,
    ttl_days: int,
) -> list[LinkRequest]:
    """Requests of every outcome. Approved ones point at clients that were not brought."""
    linked = [client for client in clients if not client.attributed and client.signed][-6:]
    requests = [_approved(random, client, ttl_days) for client in linked]
    # The second half of the accounts stays untouched, for whoever wants to ask anew.
    outcomes: tuple[LinkOutcome, ...] = ("pending", "expired", "declined", "pending") * 4
    for number, (account, outcome) in enumerate(zip(accounts, outcomes, strict=False)):
        age = ttl_days * random.uniform(0.1, 0.8)
        if outcome != "pending":
            age = ttl_days + random.uniform(2, 90)
        requested = moment(today, age)
        requests.append(
            LinkRequest(
                token=f"{random.getrandbits(160):040x}",
                tenant_id=f"prospect-{number + 1:03}",
                creditor_id=account.creditor_id,
                requested=requested,
                expires=requested + timedelta(days=ttl_days),
                request=_request_body(f"prospect-{number + 1:03}", account),
                outcome=outcome,
                decided=_decided(random, outcome, requested, ttl_days),
            )
        )
    requests.sort(key=lambda request: request.requested)
    return requests


def _decided(random: Random, outcome: str, requested: datetime, ttl_days: int) -> datetime | None:
    if outcome == "declined":
        return requested + timedelta(days=ttl_days * random.uniform(0.1, 0.9))
    return requested + timedelta(days=ttl_days) if outcome == "expired" else None


def _approved(random: Random, client: Client, ttl_days: int) -> LinkRequest:
    requested = client.linked - timedelta(hours=random.randint(2, 20 * ttl_days))
    return LinkRequest(
        token=f"{random.getrandbits(160):040x}",
        tenant_id=client.tenant_id,
        creditor_id=client.creditor_id,
        requested=requested,
        expires=requested + timedelta(days=ttl_days),
        request={},
        outcome="approved",
        decided=client.linked,
    )


def _request_body(tenant_id: str, account: ExistingAccount) -> dict[str, object]:
    return {
        "externalTenantId": tenant_id,
        "client": {
            "name": account.name,
            "country": account.country,
            "supportEmail": account.email,
            "registrationNumber": account.registration_number,
        },
        "users": [{"name": account.name, "email": account.email, "isOnboardingUser": True}],
    }
