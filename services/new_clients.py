"""What a form says of a new client, made into what Debitura is sent."""

from collections.abc import Mapping
from functools import cache

from babel import Locale

from services.debitura import NewClient
from services.debitura.schemas import NewClientDetails, NewClientUser

_LONGEST = 255
_NO_COUNTRIES = ("EU", "EZ", "UN", "ZZ")
_PLACES = ("XK", "QA")
_NEEDED = {
    "name": "the company's name",
    "tenant_id": "your own id of the client",
    "country": "the country",
    "support_email": "the company's email",
    "user_name": "the name of the contact who signs",
    "user_email": "the email of the contact who signs",
}


class FormIncomplete(Exception):
    """The form cannot be sent; the message says what to mend."""


@cache
def countries() -> list[str]:
    """Countries by their English names, which Debitura takes."""
    named = Locale("en").territories.items()
    return sorted(name for code, name in named if _is_country(code))


def _is_country(code: str) -> bool:
    """Whether ISO 3166 gives the code to a country; X and Q are for private use, but for Kosovo."""
    two_letters = len(code) == 2 and code.isalpha()
    return two_letters and code not in _NO_COUNTRIES and (code[0] not in "XQ" or code in _PLACES)


def from_form(told: Mapping[str, str]) -> NewClient:
    """The client to link, with the contact as the one who signs.

    ``told`` holds the texts of ``name``, ``tenant_id``, ``country``, ``support_email``,
    ``user_name``, ``user_email`` and, where it is known, ``registration_number``. Raises
    FormIncomplete.
    """
    given = {field: text.strip() for field, text in told.items()}
    missing = [what for field, what in _NEEDED.items() if not given.get(field)]
    if missing:
        raise FormIncomplete(f"Still missing: {', '.join(missing)}.")
    for field in ("support_email", "user_email"):
        if not _may_be_an_email(given[field]):
            raise FormIncomplete(f"{given[field]} is not an email address.")
    return NewClient(
        tenant_id=given["tenant_id"][:_LONGEST],
        client=NewClientDetails(
            name=given["name"],
            country=given["country"],
            support_email=given["support_email"],
            registration_number=given.get("registration_number") or None,
        ),
        users=[
            NewClientUser(
                name=given["user_name"], email=given["user_email"], is_onboarding_user=True
            )
        ],
    )


def _may_be_an_email(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(name and at and "." in domain.strip(".")) and not any(map(str.isspace, text))
