"""Request bodies of both APIs, checked as the contracts say."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from services.sandbox.errors import InvalidRequest

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
BodyType = TypeVar("BodyType", bound="Body")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("is not a valid e-mail address")
    return value


def _with_zone(value: Any) -> Any:
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return value
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    return value


Email = Annotated[str, AfterValidator(_email)]
Filled = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Moment = Annotated[AwareDatetime, BeforeValidator(_with_zone)]


Text50 = Annotated[str, StringConstraints(max_length=50)]
Text100 = Annotated[str, StringConstraints(max_length=100)]
Text1024 = Annotated[str, StringConstraints(max_length=1024)]
Text4000 = Annotated[str, StringConstraints(max_length=4000)]


class Body(BaseModel):
    """camelCase names in any case, as ASP.NET reads them; unknown names are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {to_camel(name).casefold(): to_camel(name) for name in cls.model_fields}
        return {known.get(str(key).casefold(), key): value for key, value in data.items()}


class DebtorBody(Body):
    """Who owes; the country by alpha-2 code, or by name where the code is absent."""

    type: Filled
    name: Filled
    contact_person: str | None = None
    company_registration_number: str | None = None
    address: str | None = None
    zip_code: str | None = None
    city: str | None = None
    state: str | None = None
    state_alpha2: str | None = None
    country_alpha2: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class CaseBody(Body):
    """A claim to be filed; amounts in major units of ``currency_code``."""

    currency_code: Filled
    date: Moment | None = None
    due_date: Moment | None = None
    comments: Text4000 | None = None
    claim_description: Text4000 | None = None
    creditor_reference: Text50 | None = None
    debtor: DebtorBody | None = None
    amount_to_recover: float = 0
    amount_to_recover_over6_months: float | None = Field(None, alias="amountToRecoverOver6Months")
    amount_to_recover_over12_months: float | None = Field(None, alias="amountToRecoverOver12Months")
    amount_to_recover_over24_months: float | None = Field(None, alias="amountToRecoverOver24Months")
    allow_pending_contracts: bool = False
    is_test: bool = False
    tag: Text100 | None = None
    collection_partner_id: str | None = None
    assigned_user_email: Annotated[Email, StringConstraints(max_length=320)] | None = None
    return_url: str | None = None


class PreviewDebtorBody(Body):
    """Where the debtor is and what kind."""

    type: Filled
    country_alpha2: Annotated[str, StringConstraints(min_length=2, max_length=2)]
    state_alpha2: Annotated[str, StringConstraints(min_length=2, max_length=2)] | None = None


class PreviewBody(Body):
    """A claim to be judged before it is filed."""

    amount_to_recover: float
    currency_code: Annotated[str, StringConstraints(min_length=3, max_length=3)]
    debtor: PreviewDebtorBody
    due_date: Moment | None = None
    return_url: str | None = None


class EligibilityBody(Body):
    """A claim whose coverage is asked for."""

    country_alpha2: Filled
    state_alpha2: str | None = None
    debtor_type: Filled
    amount: Annotated[float, Field(ge=0.01)]
    currency_code: Filled


class ClientDetailsBody(Body):
    """The company behind a new client."""

    name: Filled
    registration_number: str | None = None
    address: Annotated[str, StringConstraints(max_length=500)] | None = None
    zip_code: Annotated[str, StringConstraints(max_length=20)] | None = None
    city: Text100 | None = None
    state: Text100 | None = None
    country: Filled
    support_email: Email
    support_phone: str | None = None


class ClientUserBody(Body):
    """A person at a new client."""

    name: Filled
    email: Email
    is_onboarding_user: bool = False


class CreateClientBody(Body):
    """POST /clients; ``cases`` stay as they came, for they are also kept in link requests."""

    external_tenant_id: Annotated[str, StringConstraints(max_length=255, pattern=r"\S")]
    client: ClientDetailsBody
    users: Annotated[list[ClientUserBody], Field(min_length=1)]
    cases: list[dict[str, Any]] | None = None


class TokenBody(Body):
    """POST /oauth/token."""

    external_tenant_id: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class KycBody(Body):
    """A director's identity."""

    director_full_name: Annotated[Filled, StringConstraints(max_length=500)]
    director_home_address: Annotated[Filled, StringConstraints(max_length=1000)]
    director_date_of_birth: date


class CreateWebhookBody(Body):
    """A new webhook subscription."""

    url: Text1024
    events: list[str]
    is_test_mode: bool = False


class UpdateWebhookBody(Body):
    """What to change of a subscription; None leaves a value as it is."""

    url: Text1024 | None = None
    events: list[str] | None = None
    is_active: bool | None = None
    regenerate_secret: bool = False
    is_test_mode: bool | None = None


class TestWebhookBody(Body):
    """Which sample event to send."""

    event_type: Filled
    case_id: str | None = None
    external_tenant_id: str | None = None
    old_lifecycle: str | None = None
    new_lifecycle: str | None = None
    close_code: str | None = None
    close_comment: str | None = None


class ChatBody(Body):
    """A message and who writes it; one of the two user fields is needed."""

    message: Annotated[Filled, StringConstraints(max_length=10_000)]
    user_id: str | None = None
    user_email: Email | None = None


class AdvanceBody(Body):
    """Where a test case is to go."""

    to: str | None = None
    amount: float | None = None


async def read_body(request: Request, body: type[BodyType]) -> BodyType:
    """The request's JSON as a checked body.

    Raises InvalidRequest with one message for each wrong field.
    """
    return parse_body(await request.body(), body)


def parse_body(raw: bytes, body: type[BodyType]) -> BodyType:
    """As read_body, of bytes at hand."""
    try:
        return body.model_validate_json(raw or b"null")
    except ValidationError as error:
        raise InvalidRequest(*field_messages(error)) from error


def field_messages(error: ValidationError) -> list[str]:
    """``field.path: reason`` for each failure."""
    messages = []
    for failure in error.errors():
        path = ".".join(str(part) for part in failure["loc"]) or "body"
        messages.append(f"{path}: {failure['msg'].removeprefix('Value error, ')}")
    return messages
