"""Rows that are read quickly are stored exactly as rows that are read by their models."""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from services.debitura.schemas import (
    Case,
    Client,
    Mirrored,
    Transaction,
    read_rows,
    without_director,
)
from services.debitura.schemas.lean import read_lean, twin_of
from services.debitura.wire import read_json
from services.sync import mapping
from tests import odd_rows
from tests.filling import case, client, transaction

Json = dict[str, Any]
Stored = Callable[[Any], mapping.Row]

KINDS: list[tuple[type[Mirrored], Json, Stored]] = [
    (Client, client("t-1", users=[{"id": 1, "email": "a@b.example"}]), mapping.client_row),
    (Case, case("c-1", dateFinished="2026-03-01T00:00:00Z"), mapping.case_row),
    (
        Transaction,
        transaction("x-1", commission="Paid"),
        lambda row: mapping.transaction_row(row, "ConfirmedPipeline"),
    ),
]
ODD = (
    None,
    "",
    " ",
    "text",
    "not_required",
    "more info required",
    0,
    1,
    -1.5,
    "12.5",
    True,
    [],
    {},
    [None],
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05+02:00",
    "2026-01-02",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999Z",
)


def places(row: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value that something else can be put into."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(row, dict):
        inside = list(row.items())
    elif isinstance(row, list):
        inside = list(enumerate(row))
    found = [(*path, key) for key, _ in inside]
    return found + [each for key, value in inside for each in places(value, (*path, key))]


def replaced(row: Json, path: tuple[str | int, ...], value: Any) -> Json:
    copied: Any = json.loads(json.dumps(row))
    here = copied
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return dict(copied)


def as_stored(read: Callable[[Any, str | None], Any], text: str, stored: Stored) -> Any:
    good, _rejected = read_rows(read, [read_json(text.encode())], without_director, [text])
    return [stored(row) for row in good]


@pytest.mark.parametrize(("model", "row", "stored"), KINDS)
@given(data=st.data())
def test_whatever_stands_in_a_field_is_stored_alike(
    model: type[Mirrored], row: Json, stored: Stored, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(places(row)))
    odd = replaced(row, path, data.draw(st.sampled_from(ODD)))
    text = json.dumps(odd)
    by_model = as_stored(model.received, text, stored)
    assert as_stored(partial(read_lean, model), text, stored) == by_model


@pytest.mark.parametrize(
    ("model", "rows", "stored"),
    [
        (Client, odd_rows.clients(), KINDS[0][2]),
        (Case, odd_rows.cases(), KINDS[1][2]),
        (Transaction, odd_rows.transactions(), KINDS[2][2]),
    ],
)
def test_odd_rows_are_stored_alike(model: type[Mirrored], rows: list[Json], stored: Stored) -> None:
    for row in rows:
        text = simplejson.dumps(row, use_decimal=True)
        by_model = as_stored(model.received, text, stored)
        assert as_stored(partial(read_lean, model), text, stored) == by_model


@pytest.mark.parametrize(("model", "row", "stored"), KINDS)
def test_a_usual_row_needs_no_model(model: type[Mirrored], row: Json, stored: Stored) -> None:
    lean = read_lean(model, row, json.dumps(row))
    assert isinstance(lean, twin_of(model))


def test_amounts_keep_their_digits() -> None:
    text = json.dumps(case("c-1")).replace("1000", "12345678901234567890.123456789")
    lean = read_lean(Case, read_json(text.encode()), text)
    assert lean.gross_amount == Decimal("12345678901234567890.123456789")
