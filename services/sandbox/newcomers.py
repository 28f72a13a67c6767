"""Invented companies and claims that turn up while a world lives.

Whoever brings them draws from ``World.random``, so that a stored world never makes the same one
twice.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from services.sandbox import names
from services.sandbox.model import Client, ExistingAccount, User
from services.sandbox.money import CURRENCY_DIGITS, USD_MICROS, to_wire
from services.sandbox.seed_clients import new_id
from services.sandbox.vocabulary import COUNTRIES, UNCOVERED_COUNTRIES, US_STATES, Country

Json = dict[str, Any]
_HOME = {country.name: country for country in COUNTRIES}


def new_client(random: Random, now: datetime, referral_fee_bps: int) -> Client:
    """A client that the partner brings: linked now, nothing signed yet."""
    country = random.choice(COUNTRIES)
    name, domain = _company(random, country)
    place = names.address(random, country.alpha2)
    person = names.person_name(random, country.alpha2)
    return Client(
        tenant_id=_tenant_id(random),
        creditor_id=new_id(random),
        link_id=new_id(random),
        name=name,
        email=f"office@{domain}",
        country=country.name,
        linked=now,
        users=[User(random.randrange(10**6, 10**9), person, f"{names.slug(person)}@{domain}")],
        attributed=True,
        signed=False,
        signed_before=False,
        referral_fee_bps=referral_fee_bps,
        kyc_status=random.choice(("not_required", "not_required", "pending")),
        address=place.street,
        city=place.city,
        zip_code=place.zip_code,
        registration_number=f"{country.alpha2}{random.randrange(10**7, 10**8)}",
    )


def new_account(random: Random) -> ExistingAccount:
    """A company that has a Debitura account already."""
    country = random.choice(COUNTRIES)
    name, domain = _company(random, country)
    return ExistingAccount(
        creditor_id=new_id(random),
        name=name,
        email=f"finance@{domain}",
        registration_number=f"{country.alpha2}9{random.randrange(10**7, 10**8)}",
        country=country.name,
    )


def link_body(random: Random, account: ExistingAccount, now: datetime) -> Json:
    """A body of POST /clients that asks for an account's approval and brings a claim along; a few
    claims are against debtors that nobody covers."""
    claim = case_body(random, account.country, now)
    if random.random() < 0.25:
        claim["debtor"]["countryAlpha2"] = random.choice(UNCOVERED_COUNTRIES).alpha2
    return {
        "externalTenantId": _tenant_id(random),
        "client": {
            "name": account.name,
            "country": account.country,
            "supportEmail": account.email,
            "registrationNumber": account.registration_number,
        },
        "users": [{"name": account.name, "email": account.email, "isOnboardingUser": True}],
        "cases": [claim],
    }


def case_body(random: Random, client_country: str, now: datetime) -> Json:
    """A claim of a client as it is submitted, more often than not against a debtor at home."""
    home = _HOME.get(client_country)
    country = home if home and random.random() < 0.6 else random.choice(COUNTRIES)
    currency = country.currency
    due = now.replace(hour=0, minute=0, second=0) - timedelta(days=random.randint(8, 150))
    return {
        "currencyCode": currency,
        "date": (due - timedelta(days=random.choice((8, 14, 30)))).isoformat(),
        "dueDate": due.isoformat(),
        "creditorReference": f"INV-{due.year}-{random.randrange(10**6, 10**7)}",
        "amountToRecover": to_wire(_gross(random, currency), currency),
        "debtor": _debtor(random, country),
    }


def _debtor(random: Random, country: Country) -> Json:
    company = random.random() < 0.7
    make_name = names.company_name if company else names.person_name
    name = make_name(random, country.alpha2)
    place = names.address(random, country.alpha2)
    return {
        "type": "Company" if company else "Private",
        "name": name,
        "address": place.street,
        "zipCode": place.zip_code,
        "city": place.city,
        "countryAlpha2": country.alpha2,
        "stateAlpha2": random.choice(list(US_STATES)) if country.alpha2 == "US" else None,
        "email": f"accounts@{names.slug(name)[:40].strip('-')}.example",
    }


def _company(random: Random, country: Country) -> tuple[str, str]:
    """A name, and a domain that no other company has."""
    name = names.company_name(random, country.alpha2)
    slug = names.slug(name)[:36].strip("-")
    return name, f"{slug}-{random.getrandbits(32):08x}.example"


def _tenant_id(random: Random) -> str:
    return f"org_{random.getrandbits(40):010x}"


def _gross(random: Random, currency: str) -> int:
    euros = min(240_000.0, max(140.0, random.lognormvariate(7.9, 1.15)))
    major = euros * USD_MICROS["EUR"] / USD_MICROS[currency]
    return int(major * 10 ** CURRENCY_DIGITS[currency])
