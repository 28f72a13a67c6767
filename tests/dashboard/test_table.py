"""The table of every list: what it exports."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from dashboard.components import table
from services.domain.money import Money
from services.exports import ExportFormat
from services.store import Page

WHEN = datetime(2026, 3, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Debt:
    name: str
    amount: Money | None
    at: datetime | None = WHEN


COLUMNS: tuple[table.Column[Debt], ...] = (
    table.text("Name", lambda debt: debt.name),
    table.amount("Amount", lambda debt: debt.amount),
    table.moment("At", lambda debt: debt.at, shown=False),
)
DEBTS = [
    Debt("Ünal & Söhne", Money("EUR", 123_450)),
    Debt('=HYPERLINK("https://evil.example")', Money("JPY", 1_000)),
    Debt("-2+3", Money("KWD", -1_234_567)),
    Debt('客户, "quoted"\nin two lines', None, None),
]


def exported(
    debts: list[Debt],
    file_format: ExportFormat,
    columns: tuple[table.Column[Debt], ...] = COLUMNS,
) -> bytes:
    return table._file(lambda: Page(debts, len(debts)), columns, file_format)


def from_csv(content: bytes) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def from_xlsx(content: bytes) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    header = next(rows, ())
    return [dict(zip(header, row, strict=True)) for row in rows]


READERS: dict[ExportFormat, Callable[[bytes], list[dict[str, Any]]]] = {
    ExportFormat.CSV: from_csv,
    ExportFormat.XLSX: from_xlsx,
}


@pytest.mark.parametrize("file_format", READERS)
def test_a_file_holds_every_row_and_every_column_also_those_not_shown(
    file_format: ExportFormat,
) -> None:
    rows = READERS[file_format](exported(DEBTS * 50, file_format))
    assert len(rows) == 200
    assert all({"Name", "Amount", "At"} <= set(row) for row in rows)
    assert rows[0]["Name"] == "Ünal & Söhne"
    assert "2026-03-20" in str(rows[0]["At"])


@pytest.mark.parametrize("file_format", READERS)
def test_a_day_is_a_date_without_a_time(file_format: ExportFormat) -> None:
    days = (table.day("On", lambda debt: debt.at),)
    rows = READERS[file_format](exported(DEBTS, file_format, days))
    assert str(rows[0]["On"]).split(" ")[0] == "2026-03-20"
    assert not rows[3]["On"]


@pytest.mark.parametrize("file_format", READERS)
def test_an_amount_is_a_number_with_its_currency_beside_it(file_format: ExportFormat) -> None:
    rows = READERS[file_format](exported(DEBTS, file_format))
    currencies = [row["Amount, currency"] for row in rows]
    assert currencies[:3] == ["EUR", "JPY", "KWD"]
    assert not currencies[3]
    assert [float(row["Amount"]) for row in rows[:3]] == [1234.5, 1000, -1234.567]
    assert not rows[3]["Amount"]


def test_an_amount_in_csv_has_all_of_its_currencys_decimals() -> None:
    rows = from_csv(exported(DEBTS, ExportFormat.CSV))
    assert [row["Amount"] for row in rows[:3]] == ["1234.50", "1000", "-1234.567"]


def test_text_that_looks_like_a_formula_is_harmless_in_csv() -> None:
    names = [row["Name"] for row in from_csv(exported(DEBTS, ExportFormat.CSV))]
    assert names[1:3] == ["'" + DEBTS[1].name, "'" + DEBTS[2].name]
    assert names[3] == DEBTS[3].name


def test_text_that_looks_like_a_formula_stays_text_in_xlsx() -> None:
    book = openpyxl.load_workbook(io.BytesIO(exported(DEBTS, ExportFormat.XLSX)))
    cells = [row[0] for row in book.active.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [debt.name for debt in DEBTS]
    assert {cell.data_type for cell in cells} == {"s"}


@pytest.mark.parametrize("file_format", READERS)
def test_a_file_of_no_rows_can_be_opened(file_format: ExportFormat) -> None:
    assert READERS[file_format](exported([], file_format) or b"") == []
