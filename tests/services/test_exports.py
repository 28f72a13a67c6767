"""Files that spreadsheets open and programs read: harmless, exact and whole."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import exports
from services.exports import ExportFormat, ExportKind, as_bytes, harmless, records
from services.store import Store
from services.store.tables import CaseRow, LinkRequestRow, WebhookEventRow
from tests.filling import NOW, case, fill

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil.example","click")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "-",
    "--1",
]
NUMBERS = ["-1", "-1234.50", "+3", "-0.001", "1e5", "42"]
SURROGATE = "half \ud83d character"


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def xlsx_rows(content: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.active
    assert sheet is not None
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    book.close()
    return rows


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_is_text_in_csv_and_xlsx(text: str) -> None:
    (row,) = csv_rows(as_bytes([{"name": text}], ExportFormat.CSV))
    assert row["name"] == "'" + text
    assert xlsx_rows(as_bytes([{"name": text}], ExportFormat.XLSX))[0] == ["name"]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_stay_numbers(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_a_field_name_from_outside_is_harmless_as_well(text: str) -> None:
    content = as_bytes([{text: "x"}], ExportFormat.CSV)
    assert list(csv_rows(content)[0]) == ["'" + text]


@given(st.text())
def test_no_cell_begins_as_a_formula(text: str) -> None:
    safe = harmless(text)
    assert safe in (text, "'" + text)
    if safe[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}:
        assert Decimal(safe).is_finite()


def test_addresses_are_no_links_in_xlsx() -> None:
    urls = ["https://evil.example", "mailto:x@y.example", "internal:Sheet2!A1", "external:c:\\x"]
    rows = xlsx_rows(as_bytes([{"url": url} for url in urls], ExportFormat.XLSX))
    assert rows == [["url"], *([url] for url in urls)]


def test_a_decimal_is_a_real_number_in_xlsx_and_exact_elsewhere() -> None:
    row = {"amount": Decimal("1234.50"), "count": 3, "flag": True, "none": None}
    assert xlsx_rows(as_bytes([row], ExportFormat.XLSX))[1] == [1234.5, 3, "true", ""]
    assert csv_rows(as_bytes([row], ExportFormat.CSV))[0]["amount"] == "1234.50"
    assert b'"amount": 1234.50' in as_bytes([row], ExportFormat.JSON)


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+400")])
def test_a_number_that_xlsx_cannot_hold_does_not_stop_the_export(number: Decimal) -> None:
    rows = xlsx_rows(as_bytes([{"n": number, "after": "kept"}], ExportFormat.XLSX))
    assert rows[1][1] == "kept"
    assert rows[1][0] is not None


@pytest.mark.parametrize("file_format", ExportFormat)
def test_half_a_character_does_not_stop_an_export(file_format: ExportFormat) -> None:
    content = as_bytes([{"name": SURROGATE}, {"name": "after"}], file_format)
    if file_format is ExportFormat.XLSX:
        assert xlsx_rows(content)[2] == ["after"]
    else:
        assert "after" in content.decode("utf-8-sig")


@pytest.mark.parametrize("file_format", ExportFormat)
def test_control_characters_do_not_stop_an_export(file_format: ExportFormat) -> None:
    text = "".join(map(chr, range(32))) + "\x7f\ufffe\uffff"
    content = as_bytes([{"name": f"x{text}"}, {"name": "after"}], file_format)
    if file_format is ExportFormat.XLSX:
        assert xlsx_rows(content)[2] == ["after"]
    else:
        assert "after" in content.decode("utf-8-sig")


def test_a_huge_text_keeps_its_row_and_those_after_it() -> None:
    huge = "x" * 100_000
    rows = [{"name": huge, "more": "1"}, {"name": "after", "more": "2"}]
    shown = xlsx_rows(as_bytes(rows, ExportFormat.XLSX))
    assert str(shown[1][0]).startswith("x" * 32_000)
    assert shown[1][1] == "1"
    assert shown[2] == ["after", "2"]
    assert csv_rows(as_bytes(rows, ExportFormat.CSV))[0]["name"] == huge


def test_rows_with_different_fields_share_one_header() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": {"c": 2, "d": {"e": 3}}},
        {"a": None, "f": [1, {"g": "ü"}]},
    ]
    assert csv_rows(as_bytes(rows, ExportFormat.CSV)) == [
        {"a": "1", "b.c": "2", "b.d.e": "3", "f": ""},
        {"a": "", "b.c": "", "b.d.e": "", "f": '[1, {"g": "ü"}]'},
    ]


@pytest.mark.parametrize("file_format", ExportFormat)
def test_nothing_exports_as_an_empty_file(file_format: ExportFormat) -> None:
    target = io.BytesIO()
    assert exports.write([], file_format, target) == 0
    if file_format is ExportFormat.JSON:
        assert target.getvalue() == b""


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abc"), st.text(st.characters(exclude_categories=["Cs"])), max_size=3
        ),
        max_size=8,
    )
)
def test_json_lines_say_exactly_what_the_rows_say(rows: list[dict[str, str]]) -> None:
    content = as_bytes(rows, ExportFormat.JSON)
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == rows


def test_archived_cases_come_only_when_asked_for(store: Store) -> None:
    fill(store, cases=[case("1"), case("2")])
    with store.write() as session:
        session.get_one(CaseRow, "2").archived_at = NOW
    assert [row["id"] for row in records(store, ExportKind.CASES)] == ["1"]
    both = list(records(store, ExportKind.CASES, archived=True))
    assert [(row["id"], row["archivedAt"]) for row in both] == [
        ("1", None),
        ("2", "2026-03-20T12:00:00+00:00"),
    ]


def test_link_requests_are_exported_without_the_superseded_ones(store: Store) -> None:
    with store.write() as session:
        for superseded in (None, NOW):
            session.add(
                LinkRequestRow(
                    external_tenant_id="t-1",
                    company_name="Company",
                    status="declined",
                    requested_at=NOW,
                    requested_by="anna",
                    expires_at=NOW + timedelta(days=7),
                    superseded_at=superseded,
                    payload={"users": [{"email": "private@company.example"}]},
                    search_text="company",
                )
            )
    (row,) = records(store, ExportKind.LINK_REQUESTS)
    assert (row["externalTenantId"], row["status"]) == ("t-1", "declined")
    assert "private" not in repr(row)


def test_webhook_events_are_exported_with_their_state(store: Store) -> None:
    with store.write() as session:
        session.add(
            WebhookEventRow(
                id="e-1", event="client.linked", state="received", received_at=NOW, body="{}"
            )
        )
    (row,) = records(store, ExportKind.WEBHOOK_EVENTS)
    assert (row["id"], row["event"], row["state"]) == ("e-1", "client.linked", "received")


def test_thousands_of_rows_are_all_there(store: Store) -> None:
    fill(store, cases=[case(f"{number:05}") for number in range(2_500)])
    content = as_bytes(records(store, ExportKind.CASES), ExportFormat.JSON)
    assert [json.loads(line)["id"] for line in content.splitlines()] == [
        f"{number:05}" for number in range(2_500)
    ]


@pytest.mark.parametrize(
    "number", [12345678901234567890, Decimal("12345678901234.567"), Decimal("-1E-400")]
)
def test_a_number_with_more_digits_than_a_spreadsheet_has_keeps_them_as_text(
    number: int | Decimal,
) -> None:
    (_, (shown,)) = xlsx_rows(as_bytes([{"n": number}], ExportFormat.XLSX))
    assert Decimal(str(shown)) == number
