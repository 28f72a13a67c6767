"""What clients fill in on the pages of the web flow, and the sentence for each thing wrong."""

from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import urlsplit

from babel import Locale
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.sandbox.bodies import Email
from services.sandbox.model import Client, User

_EMAIL = TypeAdapter(Email)

Form = dict[str, str]
Errors = dict[str, str]

COMPANY_FIELDS = {
    "name": ("the company name", 255),
    "registration_number": ("the company registration number", 50),
    "address": ("the street and number", 500),
    "zip_code": ("the zip code", 20),
    "city": ("the city", 255),
    "country": ("the country", 100),
    "email": ("the office e-mail address", 320),
}
"""Attributes of a client that it can correct, how a sentence names them, and the most signs."""
USER_NAME_SIGNS = 255
_UNIONS_AND_TESTS = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
COUNTRY_NAMES = sorted(
    name
    for code, name in Locale("en").territories.items()
    if len(code) == 2 and code.isalpha() and code not in _UNIONS_AND_TESTS
)


async def read_form(request: Request) -> Form:
    """The fields of an ordinary form post, with single spaces.

    Raises HTTPException 403 for a form on another site, 400 for a body that is no form.
    """
    if _is_foreign(request):
        raise HTTPException(403)
    async with request.form(max_files=0) as form:
        return {name: " ".join(str(value).split()) for name, value in form.items()}


def _is_foreign(request: Request) -> bool:
    # A browser calls the origin "null" where the page's referrer policy is no-referrer, as ours
    # is, so that alone tells nothing.
    origin = request.headers.get("Origin", "null")
    is_other = origin != "null" and urlsplit(origin).netloc != request.headers.get("Host")
    return is_other or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def company_values(client: Client) -> Form:
    """A client's company details as its form shows them."""
    return {name: getattr(client, name) or "" for name in COMPANY_FIELDS}


def company_errors(values: Mapping[str, str], countries: list[str]) -> Errors:
    """A sentence for each company detail that is missing or cannot be."""
    found = {
        name: _text_fault(values.get(name, ""), what, longest)
        for name, (what, longest) in COMPANY_FIELDS.items()
    }
    if not found["country"] and values["country"] not in countries:
        found["country"] = "Choose the country from the list."
    if not found["email"] and not _is_email(values["email"]):
        found["email"] = "Write the e-mail address like name@company.com."
    return {name: sentence for name, sentence in found.items() if sentence}


def _is_email(value: str) -> bool:
    try:
        _EMAIL.validate_python(value)
    except ValidationError:
        return False
    return True


def user_fields(users: list[User]) -> dict[str, User]:
    """The users under the names of their fields."""
    return {f"user_{number}": user for number, user in enumerate(users)}


def user_errors(typed: Form, users: list[User]) -> Errors:
    """A sentence for each user whose name is missing or cannot be."""
    found = {
        field: _text_fault(typed.get(field, ""), f"the name of {user.email}", USER_NAME_SIGNS)
        for field, user in user_fields(users).items()
    }
    return {field: sentence for field, sentence in found.items() if sentence}


def signing_errors(typed: Form, code: str) -> Errors:
    """A sentence for a missing consent and for a code that is not the one."""
    errors = {}
    if typed.get("agreed") != "yes":
        errors["agreed"] = "Tick the box to say that you have read it."
    given = typed.get("code", "").replace(" ", "")
    if not given:
        errors["code"] = "Enter the six-digit code."
    elif not compare_digest(given.encode(), code.encode()):
        errors["code"] = "This code is not right. Check it and try again."
    return errors


def _text_fault(value: str, what: str, longest: int) -> str | None:
    if not value:
        return f"Enter {what}."
    if len(value) > longest:
        return f"Shorten {what} to at most {longest} characters."
    if not value.isprintable():
        return f"Write {what} without hidden characters."
    return None
