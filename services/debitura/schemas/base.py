"""What all models share: wire names, nulls, exact numbers, times, and reading with repairs.

Answers are read tolerantly: a field of a kind the contract does not have is left out (its
attribute is None or empty) rather than losing the row, and unknown fields are passed over. The
object as it came stays on ``raw`` of the models that are mirrored. Only a missing identity, such
as ``externalTenantId``, makes a row unreadable.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    PrivateAttr,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

JsonObject = dict[str, Any]


class Model(BaseModel):
    """A part of an answer. Everything but an identity may be null or absent."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Mirrored(Model):
    """A row that is kept: ``raw`` is its JSON object as received, numbers as ``Decimal``."""

    _raw: JsonObject = PrivateAttr(default_factory=dict)
    _raw_text: str | None = PrivateAttr(default=None)

    @property
    def raw(self) -> JsonObject:
        return self._raw

    @property
    def raw_text(self) -> str | None:
        """The JSON text of ``raw`` as received, where it is known."""
        return self._raw_text

    @classmethod
    def received(cls, data: Any, text: str | None = None) -> Self:
        """Read a JSON object and keep it as ``raw``, and its ``text``.

        Raises pydantic's ``ValidationError`` when it is no object or lacks its identity.
        """
        row = understand(cls, data)
        row._raw = data
        row._raw_text = text
        return row


class Request(BaseModel):
    """A body that we send; unknown fields are a mistake of ours."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    def body(self) -> JsonObject:
        """The JSON object to send: wire names, without what was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


AnyModel = TypeVar("AnyModel", bound=BaseModel)


def understand(model: type[AnyModel], data: Any) -> AnyModel:
    """Read a JSON value as ``model``, leaving out parts that are of the wrong kind.

    Raises pydantic's ``ValidationError`` when what is wrong cannot be left out.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        repaired = data
        while True:
            smaller = _without(repaired, _paths(error, repaired))
            if smaller is repaired:
                raise error from None
            repaired = smaller
            try:
                return model.model_validate(repaired)
            except ValidationError as next_error:
                error = next_error


Path = tuple[str | int, ...]


def _paths(error: ValidationError, data: Any) -> set[Path]:
    locations = (each["loc"] for each in error.errors(include_url=False, include_input=False))
    return {path for location in locations if (path := _existing(location, data))}


def _existing(location: Path, data: Any) -> Path:
    """The part of an error's location that is in the data; the rest names a type or is missing."""
    here, found = data, []
    for step in location:
        inside = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        )
        if not inside:
            break
        here = here[step]
        found.append(step)
    return tuple(found)


def _without(data: Any, paths: set[Path]) -> Any:
    """A copy of the data without the values at the paths; the data itself when there are none."""
    if not paths:
        return data
    gone = {path[0] for path in paths if len(path) == 1}
    deeper = {path[0] for path in paths} - gone
    kept = [
        (key, _without(value, {p[1:] for p in paths if p[0] == key}) if key in deeper else value)
        for key, value in (data.items() if isinstance(data, dict) else enumerate(data))
        if key not in gone
    ]
    return dict(kept) if isinstance(data, dict) else [value for _, value in kept]


def why_unreadable(error: ValidationError) -> str:
    """The fields that made something unreadable, by wire name, without any value."""
    told = (
        f"{'.'.join(str(step) for step in each['loc']) or 'it'}: {each['type'].replace('_', ' ')}"
        for each in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(list(told)[:3])


def _usual_moment(value: Any) -> datetime | None:
    """A time as the APIs write nearly all of theirs; None for every other."""
    if type(value) is not str or not value.endswith("Z") or value.startswith("0001"):
        return None
    return datetime.fromisoformat(value)


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        value = _parsed_moment(value.strip())
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return value
    # Year 1 is how .NET writes a time that was never set, and has no UTC in zones to the east.
    if value.year == 1:
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None


def _parsed_moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _only_datetime(value: Any) -> Any:
    """Numbers would be read as seconds since 1970, which no field of the contract is."""
    value = _usual_moment(value) or _moment(value)
    if value is not None and not isinstance(value, datetime):
        raise ValueError("not a time")
    return value


def _amount(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("not a number")
    if isinstance(value, str):
        value = value.strip() or None
    return value


def _sent_moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


Identity = Annotated[str, StringConstraints(min_length=1)]
"""An id as Debitura or the platform wrote it; never empty, compared exactly."""

Moment = Annotated[datetime | None, BeforeValidator(_only_datetime)]
"""A time in UTC. One without a zone is UTC, a bare date is its midnight; None when unknown."""

Amount = Annotated[
    InstanceOf[Decimal] | Annotated[Decimal | None, BeforeValidator(_amount)],
    Field(union_mode="left_to_right"),
]
"""Money or a percentage, exactly as written; None (never zero) when unknown."""

Text = str | None
Flag = bool | None
Count = int | None

SentMoment = Annotated[
    datetime, BeforeValidator(_only_datetime), PlainSerializer(_sent_moment, return_type=str)
]
"""A time to send, in UTC; a bare date is its midnight."""

SentDate = Annotated[date, PlainSerializer(date.isoformat, return_type=str)]
"""A day to send, as YYYY-MM-DD."""
