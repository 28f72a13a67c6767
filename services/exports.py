"""Exports of whole kinds, under the API's own field names.

JSON is one object a line. CSV and XLSX are flat: ``client.companyName`` names a field in a field.
Amounts are decimal strings with their currency's decimals; a ``Decimal`` that a caller hands over
becomes a real number in XLSX.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import IO, Any

import simplejson
import xlsxwriter
from sqlmodel import select

from services.domain.money import as_wire_text
from services.store import Store
from services.store.tables import (
    CaseRow,
    ClientRow,
    LinkRequestRow,
    Mirrored,
    TransactionRow,
    WebhookEventRow,
)

Record = dict[str, Any]
Amounts = Mapping[tuple[str, ...], str | None]
ROWS_A_FETCH = 1000
XLSX_DIGITS = 15
XLSX_LARGEST_EXPONENT = 300
XLSX_LONGEST_TEXT = 32_767


class ExportKind(StrEnum):
    CLIENTS = "clients"
    LINK_REQUESTS = "link-requests"
    CASES = "cases"
    TRANSACTIONS = "transactions"
    WEBHOOK_EVENTS = "webhook-events"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


def records(store: Store, kind: ExportKind, *, archived: bool = False) -> Iterator[Record]:
    """Every row of a kind, superseded link requests left out.

    Clients tell themselves whether they are archived; cases and transactions that the source no
    longer lists come only when ``archived`` is asked for.
    """
    models: Mapping[ExportKind, tuple[type[Any], Any]] = {
        ExportKind.CLIENTS: (ClientRow, _client),
        ExportKind.LINK_REQUESTS: (LinkRequestRow, _link_request),
        ExportKind.CASES: (CaseRow, _case),
        ExportKind.TRANSACTIONS: (TransactionRow, _transaction),
        ExportKind.WEBHOOK_EVENTS: (WebhookEventRow, _webhook_event),
    }
    model, to_record = models[kind]
    with store.read() as session:
        statement = select(model).order_by(*model.__table__.primary_key)
        if model is LinkRequestRow:
            statement = statement.where(LinkRequestRow.superseded_at.is_(None))  # type: ignore[union-attr]
        if model in (CaseRow, TransactionRow) and not archived:
            statement = statement.where(model.archived_at.is_(None))
        for row in session.execute(statement).scalars().yield_per(ROWS_A_FETCH):
            yield to_record(row)


def write(rows: Iterable[Record], file_format: ExportFormat, target: IO[bytes]) -> int:
    """Write ``rows`` to ``target`` and return how many there were."""
    writers = {
        ExportFormat.JSON: _write_json,
        ExportFormat.CSV: _write_csv,
        ExportFormat.XLSX: _write_xlsx,
    }
    return writers[file_format](rows, target)


def as_bytes(rows: Iterable[Record], file_format: ExportFormat) -> bytes:
    """The file that ``write`` makes, in memory."""
    target = io.BytesIO()
    write(rows, file_format, target)
    return target.getvalue()


def harmless(text: str) -> str:
    """``text`` as a spreadsheet may open it: what it would take for a formula gets a quote.

    Numbers, also negative ones, stay as they are.
    """
    if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _write_json(rows: Iterable[Record], target: IO[bytes]) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  (the last number is the answer)
        line = simplejson.dumps(row, use_decimal=True, ensure_ascii=False)
        target.write(line.encode(errors="backslashreplace") + b"\n")
    return count


def _write_csv(rows: Iterable[Record], target: IO[bytes]) -> int:
    flat = [_flat(row) for row in rows]
    text = io.TextIOWrapper(target, encoding="utf-8-sig", errors="replace", newline="")
    columns = _columns(flat)
    writer = csv.DictWriter(text, columns, restval="")
    writer.writerow({name: harmless(name) for name in columns})
    for row in flat:
        writer.writerow({name: harmless(_cell(value)) for name, value in row.items()})
    text.flush()
    text.detach()
    return len(flat)


def _write_xlsx(rows: Iterable[Record], target: IO[bytes]) -> int:
    flat = [_flat(row) for row in rows]
    columns = _columns(flat)
    # Text stays text: neither formulas nor links are made of what came from outside.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name, bold)
        for line, row in enumerate(flat, start=1):
            for column, name in enumerate(columns):
                _write_xlsx_cell(sheet, line, column, row.get(name))
    return len(flat)


def _write_xlsx_cell(sheet: Any, line: int, column: int, value: Any) -> None:
    if _is_exact_in_xlsx(value):
        sheet.write_number(line, column, value)
    else:
        text = _cell(value).encode(errors="replace").decode()
        sheet.write_string(line, column, text[:XLSX_LONGEST_TEXT])


def _is_exact_in_xlsx(value: Any) -> bool:
    """Whether a spreadsheet's numbers, which have 15 digits, can hold ``value``."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    number = Decimal(str(value))
    return (
        number.is_finite()
        and len(number.as_tuple().digits) <= XLSX_DIGITS
        and abs(number.adjusted()) < XLSX_LARGEST_EXPONENT
    )


def _columns(flat: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for row in flat for name in row))


def _flat(record: Record, prefix: str = "") -> Record:
    flat: Record = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False)


def _raw(row: Mirrored) -> Record:
    record: Record = json.loads(row.raw, parse_float=Decimal)
    return record


def _client(row: ClientRow) -> Record:
    record = _with_amounts(_raw(row), {("caseStats", "earningsUsd"): "USD"})
    return {**record, "stage": row.stage, "archivedAt": _moment(row.archived_at)}


def _case(row: CaseRow) -> Record:
    currency = row.currency
    amounts: Amounts = {("grossAmount",): currency, ("remainder",): currency}
    record = _with_amounts(_raw(row), amounts)
    return {**record, "lifecycle": row.lifecycle, "archivedAt": _moment(row.archived_at)}


def _transaction(row: TransactionRow) -> Record:
    raw = _raw(row)
    case = raw.get("case")
    amounts: Amounts = {
        ("case", "originalAmount"): case.get("currency") if isinstance(case, dict) else None,
        ("payment", "amount"): row.payment_currency,
        ("earnings", "debituraRevenue"): row.fee_currency,
        ("earnings", "debituraRevenueUsd"): "USD",
        ("earnings", "referralFeeAmount"): row.fee_currency,
        ("earnings", "referralFeeAmountUsd"): "USD",
        ("recognition", "referralFeeRecognizedUsd"): "USD",
    }
    record = _with_amounts(raw, amounts)
    return {**record, "bucket": row.bucket, "archivedAt": _moment(row.archived_at)}


def _link_request(row: LinkRequestRow) -> Record:
    return {
        "externalTenantId": row.external_tenant_id,
        "companyName": row.company_name,
        "country": row.country,
        "status": row.status,
        "requestedAt": _moment(row.requested_at),
        "requestedBy": row.requested_by,
        "approvalUrl": row.approval_url,
        "expiresAt": _moment(row.expires_at),
        "resolvedAt": _moment(row.resolved_at),
        "learntBy": row.learnt_by,
    }


def _webhook_event(row: WebhookEventRow) -> Record:
    return {
        "id": row.id,
        "event": row.event,
        "state": row.state,
        "externalTenantId": row.external_tenant_id,
        "caseId": row.case_id,
        "happenedAt": _moment(row.happened_at),
        "receivedAt": _moment(row.received_at),
        "settledAt": _moment(row.settled_at),
        "attempts": row.attempts,
        "reason": row.reason,
    }


def _with_amounts(record: Record, amounts: Amounts) -> Record:
    """``record`` with its amounts as decimal strings."""
    for path, currency in amounts.items():
        *parents, name = path
        holder: Any = record
        for parent in parents:
            holder = holder.get(parent) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and holder.get(name) is not None:
            holder[name] = _amount_text(holder[name], currency)
    return record


def _amount_text(value: Any, currency: str | None) -> Any:
    try:
        return as_wire_text(Decimal(str(value)), currency)
    except InvalidOperation:
        return value


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
