"""A dozen companies that have a Debitura account already, as bodies of ``POST /clients``.

Their addresses end in ``existing.example``, which the sandbox takes for an existing account.
"""

from typing import Any

_COMPANIES = (
    ("Nordhavn Rengøring ApS", "Denmark", "Mette Krogh"),
    ("Tischlerei Großmann & Söhne", "Germany", "Jürgen Großmann"),
    ("Van der Plas Elektra B.V.", "Netherlands", "Anouk van der Plas"),
    ("Åkerlund Transport AB", "Sweden", "Linnéa Åkerlund"),
    ("L'Atelier du Cuivre SARL", "France", "Éloïse Fabre"),
    ("Pemberton Joinery Ltd", "United Kingdom", "Rhys Pemberton"),
    ("Panaderías El Molino S.L.", "Spain", "Íñigo Barrena"),
    ("Officine Corvetti S.r.l.", "Italy", "Chiara Corvetti"),
    ("Łąka Ogrody Sp. z o.o.", "Poland", "Żaneta Łąka"),
    ("Fjordlys Regnskap AS", "Norway", "Sigrid Fjordlys"),
    ("Harbour & Vale Catering", "Ireland", "Niamh O'Vale"),
    ("Bergkristall Optik AG", "Switzerland", "Reto Bergkristall"),
)


def _request(number: int, company: str, country: str, person: str) -> dict[str, Any]:
    user = f"contact{number}@existing.example"
    return {
        "externalTenantId": f"platform-{4200 + number}",
        "client": {"name": company, "country": country, "supportEmail": user},
        "users": [{"name": person, "email": user, "isOnboardingUser": True}],
    }


SAMPLE_REQUESTS = tuple(
    _request(number, *company) for number, company in enumerate(_COMPANIES, start=1)
)
