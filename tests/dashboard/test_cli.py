"""The command as a person runs it, against a server that is not the sandbox."""

import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.debitura import ReferralPartnerApi
from services.store import Store, cases
from services.store.paging import ALL_ROWS
from services.store.tables import CaseRow
from services.subscriptions import ALL_EVENTS
from tests import odd_rows
from tests.command_line import PATIENCE_S, PROJECT, Ran, Running, begin, run
from tests.contract_server import BUCKETS, ContractServer, bucket_number, serving

Json = dict[str, Any]

KINDS = ("clients", "cases", "transactions")
IDS = {"clients": "externalTenantId", "cases": "id", "transactions": "transactionId"}
AMOUNTS = {
    "clients": {"caseStats.earningsUsd"},
    "cases": {"grossAmount", "remainder"},
    "transactions": {
        "case.originalAmount",
        "payment.amount",
        "earnings.debituraRevenue",
        "earnings.debituraRevenueUsd",
        "earnings.referralFeeAmount",
        "earnings.referralFeeAmountUsd",
        "recognition.referralFeeRecognizedUsd",
    },
}
OURS = {"stage", "archivedAt", "bucket"}


def environment_of(server: ContractServer, folder: Path, **more: str) -> dict[str, str]:
    return {
        "DEBITURA_ENVIRONMENT": "test",
        "DEBITURA_API_KEY": server.key,
        "DEBITURA_REFERRAL_URL": server.url,
        "PARTNER_DASHBOARD_DATA": str(folder),
        **more,
    }


def read_json(content: bytes) -> list[Json]:
    return [json.loads(line, parse_float=Decimal) for line in content.decode().splitlines()]


def flat(record: Json, prefix: str = "") -> Json:
    """``record`` with the fields of its objects beside its own, lists as they are."""
    found: Json = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def expected(kind: str, row: Json) -> Json:
    """What an export has to say of a row, amounts as numbers."""
    told = {name: value for name, value in flat(row).items() if "kycVerification" not in name}
    if kind == "cases":
        told["lifecycle"] = dict(odd_rows.LABELS)[row.get("lifecycle")]
    if kind == "transactions":
        status = row.get("status") or {}
        number = bucket_number(
            status.get("commissionPaymentStatus"),
            status.get("platformInvoicingStatus"),
            status.get("referralInvoicingStatus"),
            "PayWhenPaid",
        )
        told["bucket"] = "credited" if number is None else BUCKETS[number]
    told["archivedAt"] = None
    return told


FAILURES = {
    "wrong key": "does not accept the API key",
    "missing key": "Set DEBITURA_API_KEY",
    "unreachable": "no connection could be made",
    "html": "something in between answered with status 502",
    "other store": "belongs to the test environment, not to production",
    "other partner": "belongs to another partner",
    "unwritable data": "Set PARTNER_DASHBOARD_DATA to a folder of yours",
    "busy port": "choose another with --port",
    "busy sandbox port": "choose another with --port",
    "no store": "Run `partner-dashboard sync` first",
    "bad setting": "DEBITURA_LINK_TTL_DAYS cannot be used",
}


def closed_port() -> str:
    """An address on which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module", autouse=True)
def refusals(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, tuple[Running, Path]]]:
    """Commands that cannot work, each over a store of its own that holds one case.

    They begin with the module and are looked at last: some are patient before they give up.
    """
    with ExitStack() as stack:
        good = stack.enter_context(serving(ContractServer(cases=[{"id": "kept"}])))
        gate = stack.enter_context(serving(ContractServer(html=True)))
        stranger = ContractServer(partner={**good.partner, "id": "another"})
        another = stack.enter_context(serving(stranger))
        busy = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        port = str(busy.getsockname()[1])
        file = tmp_path_factory.mktemp("file") / "a-file"
        file.touch()
        folders = {name: tmp_path_factory.mktemp("data") for name in FAILURES}
        elsewhere = f"sqlite:///{folders['other store'] / 'test.sqlite'}"
        commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
            "wrong key": (("sync",), {"DEBITURA_API_KEY": "not-the-s3cret"}),
            "missing key": (("sync",), {"DEBITURA_API_KEY": ""}),
            "unreachable": (("sync",), {"DEBITURA_REFERRAL_URL": closed_port()}),
            "html": (("sync",), {"DEBITURA_REFERRAL_URL": gate.url}),
            "other store": (
                ("sync",),
                {"DATABASE_URL": elsewhere, "DEBITURA_ENVIRONMENT": "production"},
            ),
            "other partner": (("sync",), {"DEBITURA_REFERRAL_URL": another.url}),
            "unwritable data": (("sync",), {"PARTNER_DASHBOARD_DATA": f"{file}/data"}),
            "busy port": (("serve", "--port", port), {}),
            "busy sandbox port": (("sandbox", "--port", port), {}),
            "no store": (
                ("export", "cases", "--format", "json"),
                {"PARTNER_DASHBOARD_DATA": str(file.parent / "none")},
            ),
            "bad setting": (("sync",), {"DEBITURA_LINK_TTL_DAYS": "99"}),
        }
        first = tmp_path_factory.mktemp("first")
        assert run(environment_of(good, first), "sync").code == 0
        started = {}
        for name, (arguments, changes) in commands.items():
            shutil.copy(first / "test.sqlite", folders[name])
            environment = {**environment_of(good, folders[name]), **changes}
            started[name] = (begin(environment, *arguments), folders[name])
        yield started


@dataclass(frozen=True)
class Synced:
    """A data folder after a pass, how the pass went, and the exports of everything in it."""

    environment: dict[str, str]
    ran: Ran
    exports: dict[tuple[str, str], Ran]
    server: ContractServer

    def rows(self, kind: str) -> list[Json]:
        return {
            "clients": self.server.clients,
            "cases": self.server.cases,
            "transactions": self.server.transactions,
        }[kind]


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """The odd rows, read once by ``sync`` and written by ``export`` in every way."""
    odd = ContractServer(
        clients=odd_rows.clients(),
        cases=odd_rows.cases(),
        transactions=odd_rows.transactions(),
        coverage=odd_rows.coverage(),
    )
    with serving(odd) as server:
        environment = environment_of(server, tmp_path_factory.mktemp("data"))
        ran = run(environment, "sync", "--json")
        wanted = [(kind, form) for kind in KINDS for form in ("json", "csv", "xlsx")]
        wanted += [("link-requests", "json"), ("webhook-events", "json")]
        exports = {}
        for first, second in zip(wanted[::2], [*wanted[1::2], None], strict=True):
            pair = [each for each in (first, second) if each]
            started = [begin(environment, "export", k, "--format", form) for k, form in pair]
            exports |= dict(zip(pair, (each.ending() for each in started), strict=True))
        yield Synced(environment, ran, exports, server)


def test_a_pass_over_odd_rows_is_true_to_the_source(synced: Synced) -> None:
    assert synced.ran.code == 0, synced.ran
    told = json.loads(synced.ran.out)
    assert told["true"] is True
    assert {scope["scope"]: scope["rows"] for scope in told["scopes"]} == {
        "partner": 1,
        "clients": len(odd_rows.clients()),
        "cases": len(odd_rows.cases()),
        "transactions": len(odd_rows.transactions()),
        "coverage": 3,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_json_export_is_exactly_the_servers_rows(synced: Synced, kind: str) -> None:
    records = read_json(synced.exports[kind, "json"].out)
    found = {record[IDS[kind]]: record for record in records}
    assert len(records) == len(found)
    assert set(found) == {row[IDS[kind]] for row in synced.rows(kind)}
    for row in synced.rows(kind):
        told, record = expected(kind, row), flat(found[row[IDS[kind]]])
        record.pop("stage", None)
        for name in AMOUNTS[kind] & told.keys():
            amount, exported = told.pop(name), record.pop(name)
            assert (exported is None) == (amount is None)
            if amount is not None:
                assert isinstance(exported, str)
                assert Decimal(exported) == Decimal(str(amount))
        assert record == told


def test_amounts_have_the_decimals_of_their_currency(synced: Synced) -> None:
    records = read_json(synced.exports["cases", "json"].out)
    told = {(r.get("currency"), r["grossAmount"]) for r in records if r.get("grossAmount")}
    assert told >= {
        ("JPY", "123456"),
        ("KWD", "1234.567"),
        ("EUR", "1234.50"),
        ("EUR", "1000.00"),
        ("EUR", "0.125"),
        ("RSD", "99999999999.99"),
        (None, "7.70"),
    }


def test_every_client_has_a_stage(synced: Synced) -> None:
    records = read_json(synced.exports["clients", "json"].out)
    stages = {record["externalTenantId"]: record["stage"] for record in records}
    assert stages["plain-1"] == "contract_upgrade"
    assert stages["everything-null"] == "created"
    assert stages["what?is=this&that#here"] == "contract_upgrade"
    assert stages["with some spaces"] == "first_recovery"
    assert None not in stages.values()


def test_the_directors_data_go_nowhere(synced: Synced) -> None:
    everything = b"".join(ran.out for ran in synced.exports.values())
    folder = Path(synced.environment["PARTNER_DASHBOARD_DATA"])
    everything += b"".join(path.read_bytes() for path in folder.iterdir())
    for value in (*odd_rows.DIRECTOR.values(), "kycVerification"):
        if not value.startswith("2026"):
            assert value.encode() not in everything


@pytest.mark.parametrize("kind", KINDS)
def test_a_csv_export_holds_the_same(synced: Synced, kind: str) -> None:
    text = synced.exports[kind, "csv"].out.decode("utf-8-sig")
    records = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {without_quote(record[IDS[kind]]) for record in records} == {
        row[IDS[kind]] for row in synced.rows(kind)
    }
    check_cells(synced, kind, records)


@pytest.mark.parametrize("kind", KINDS)
def test_an_xlsx_export_holds_the_same_as_texts(synced: Synced, kind: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(synced.exports[kind, "xlsx"].out))
    sheet = book.active
    assert sheet is not None
    header, *lines = sheet.iter_rows()
    assert not [cell for line in lines for cell in line if cell.data_type == "f" or cell.hyperlink]
    names = [str(cell.value) for cell in header]
    records = [
        {
            n: "" if cell.value is None else str(cell.value)
            for n, cell in zip(names, line, strict=True)
        }
        for line in lines
    ]
    book.close()
    check_cells(synced, kind, records)


def without_quote(text: str) -> str:
    """A CSV cell without the quote that keeps a spreadsheet from reckoning."""
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@", "'\t") else text


def check_cells(synced: Synced, kind: str, records: list[dict[str, str]]) -> None:
    """The amounts and the texts of the rows are in the cells of the records."""
    found = {without_quote(record[IDS[kind]]): record for record in records}
    assert len(found) == len(synced.rows(kind))
    for row in synced.rows(kind):
        record = found[row[IDS[kind]]]
        for name, value in expected(kind, row).items():
            if value is None or isinstance(value, list | bool):
                continue
            if name in AMOUNTS[kind] or isinstance(value, int | Decimal):
                assert Decimal(record[name]) == Decimal(str(value))
            elif "\u0000" not in value:
                assert without_quote(record[name]) == value


def test_nothing_asked_and_nothing_received_exports_as_nothing(synced: Synced) -> None:
    for kind in ("link-requests", "webhook-events"):
        ran = synced.exports[kind, "json"]
        assert (ran.code, ran.out) == (0, b"")


def test_the_server_was_asked_by_the_contracts_names(synced: Synced) -> None:
    asked = dict(synced.server.asked)
    assert set(asked) == {"/me", "/coverage", "/clients", "/cases", "/reporting/transactions"}
    for path in ("/clients", "/cases", "/reporting/transactions"):
        assert set(asked[path]) == {"Page", "PageSize", "Sort"}
        assert asked[path]["PageSize"] == ["100"]


def test_an_export_to_a_file_is_that_of_the_terminal(synced: Synced, tmp_path: Path) -> None:
    target = tmp_path / "cases.csv"
    target.write_text("an older export")
    ran = run(synced.environment, "export", "cases", "--format", "csv", "--output", str(target))
    assert ran.code == 0
    assert target.read_bytes() == synced.exports["cases", "csv"].out
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_that_cannot_be_written_leaves_nothing_half_done(
    synced: Synced, tmp_path: Path
) -> None:
    folder = tmp_path / "is-a-folder"
    folder.mkdir()
    nowhere = tmp_path / "not-there" / "x.csv"
    started = [
        begin(synced.environment, "export", "cases", "--format", "csv", "--output", str(target))
        for target in (folder, nowhere)
    ]
    for target, process in zip((folder, nowhere), started, strict=True):
        assert f"{target} cannot be written" in process.ending().refused_with_one_sentence()
    assert list(tmp_path.rglob("*")) == [folder]


def test_an_export_into_a_closed_pipe_ends_without_a_traceback(synced: Synced) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", "export", "clients", "--format", "json"],
        cwd=PROJECT,
        env={**os.environ, **synced.environment},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr


def test_a_command_that_cannot_begin_makes_no_store(tmp_path: Path) -> None:
    environment = {"DEBITURA_ENVIRONMENT": "test", "PARTNER_DASHBOARD_DATA": str(tmp_path / "d")}
    ran = run(environment, "sync")
    assert "Set DEBITURA_API_KEY" in ran.refused_with_one_sentence()
    assert not (tmp_path / "d").exists()


def test_a_failed_scope_and_a_row_set_aside_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    mixed = ContractServer(
        clients=[{"externalTenantId": "good"}, {"client": {"companyName": "Nobody"}}],
        cases=[{"id": "c-1"}],
        failing={"/reporting/transactions": 400},
    )
    with serving(mixed) as server:
        environment = environment_of(server, tmp_path)
        ran = run(environment, "sync", "--json")
        export = run(environment, "export", "clients", "--format", "json")
    assert ran.code == 1
    told = {scope["scope"]: scope for scope in json.loads(ran.out)["scopes"]}
    assert {name for name, scope in told.items() if scope["true"]} == {
        "partner",
        "cases",
        "coverage",
    }
    assert told["clients"]["rejected"] == 1
    first, second = ran.err.strip().splitlines()
    assert first.startswith("clients: 1 of the rows of clients could not be understood")
    assert second.startswith("transactions: ")
    assert "Nobody" not in ran.err
    assert [record["externalTenantId"] for record in read_json(export.out)] == ["good"]


def test_doctor_says_of_each_part_whether_it_is_well(tmp_path: Path) -> None:
    disabled = {"id": "w-1", "url": "https://x.example/y", "isActive": False}
    with serving(ContractServer()) as server:
        environment = environment_of(server, tmp_path)
        assert run(environment, "sync").code == 0
        good = run(environment, "doctor")
        server.webhooks.append({**disabled, "disabledReason": "Eight failures."})
        bad, ill = (
            run({**environment, **more}, "doctor")
            for more in ({"DEBITURA_API_KEY": "wrong-s3cret"}, {"DEBITURA_WEBHOOK_SECRET": "QUJD"})
        )
    assert good.code == 0, good
    assert b"accepted for Platform A/S" in good.out
    assert b"Webhook: no subscription" in good.out
    assert (bad.code, failed(bad)) == (1, ["fail API key"])
    assert (ill.code, failed(ill)) == (1, ["fail Webhook"])
    assert b"https://x.example/y (Eight failures)" in ill.out
    everything = (good.out + bad.out + ill.out).decode() + good.err + bad.err + ill.err
    assert "s3cret" not in everything
    assert "QUJD" not in everything


def failed(ran: Ran) -> list[str]:
    """The checks of the doctor that failed."""
    lines = ran.out.decode().splitlines()
    return [line.split(":")[0] for line in lines if line.startswith("fail")]


def test_the_command_tells_its_parts_without_starting_anything() -> None:
    ran = run({}, "--help")
    assert ran.code == 0
    for name in ("serve", "sync", "worker", "sandbox", "export", "doctor"):
        assert name.encode() in ran.out


def test_a_worker_told_to_stop_ends_well_after_its_pass(tmp_path: Path) -> None:
    asked = threading.Event()
    rows = ContractServer(cases=[{"id": "c-1"}], before_answer=lambda *_: asked.set())
    with serving(rows) as server:
        worker = begin(environment_of(server, tmp_path), "worker")
        assert asked.wait(PATIENCE_S)
        worker.process.terminate()
        ran = worker.ending()
    assert (ran.code, ran.err) == (0, "")
    assert (tmp_path / "test.sqlite").exists()


def test_the_served_sandbox_delivers_its_webhooks_to_the_dashboard(tmp_path: Path) -> None:
    secrets = tmp_path / "sandbox-webhook-secrets.json"
    secrets.write_text("w-0, of the last sandbox")
    port, sandbox_port = free_port(), free_port()
    ports = ("--port", str(port), "--sandbox-port", str(sandbox_port))
    serve = begin({"PARTNER_DASHBOARD_DATA": str(tmp_path)}, "serve", *ports)
    try:
        until(lambda: secrets.exists() and "w-0" not in secrets.read_text(), serve)
        with ReferralPartnerApi(f"http://127.0.0.1:{sandbox_port}/referral", "sandbox") as api:
            (subscription,) = api.webhooks()
    finally:
        serve.process.terminate()
        ran = serve.ending()
    assert ran.code == 0, ran
    assert b"webhooks" not in ran.out, "nothing went wrong"
    assert subscription.url == f"http://127.0.0.1:{port}/webhooks/debitura"
    assert set(subscription.events) == set(ALL_EVENTS)
    assert list(json.loads(secrets.read_text())["subscriptions"]) == [subscription.id]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
    return port


def until(holds: Callable[[], bool], running: Running) -> None:
    """Look again and again until a command has come so far; fails where it ends before."""
    deadline = time.monotonic() + 3 * PATIENCE_S
    while not holds():
        assert running.process.is_alive()
        assert time.monotonic() < deadline
        running.process.join(0.05)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    with serving(ContractServer(cases=[{"id": "c-1"}])) as server:
        ran = subprocess.run(
            [sys.executable, "-m", "dashboard.cli", "sync"],
            cwd=PROJECT,
            env={**os.environ, **environment_of(server, tmp_path)},
            capture_output=True,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"cases  1 rows, 1 changed" in ran.stdout


@pytest.mark.parametrize(("failure", "sentence"), FAILURES.items())
def test_what_cannot_work_is_told_in_one_sentence_and_the_old_data_stay(
    refusals: dict[str, tuple[Running, Path]], failure: str, sentence: str
) -> None:
    running, folder = refusals[failure]
    told = running.ending().refused_with_one_sentence()
    assert sentence in told
    assert "s3cret" not in told
    with closing(Store.open(f"sqlite:///{folder / 'test.sqlite'}", "test")) as store:
        assert [row.id for row in all_cases(store)] == ["kept"]


def all_cases(store: Store) -> Sequence[CaseRow]:
    with store.read() as session:
        return cases.page_of(session, cases.CaseFilter(), ALL_ROWS).rows
