"""The worker: pass after pass, until told to stop."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services import cases, doctor, link_requests, webhooks, worker
from services.debitura import InvalidConfiguration
from services.link_requests import LinkRequestFilter, LinkRequestStatus
from services.receiver import Receiver
from services.settings import Environment, Settings, SettingsError
from services.store import Store, StoreUnwritable, ledger
from services.sync.passes import SyncReport
from services.webhooks import EventState
from services.wiring import open_api, open_store
from tests.contract_server import ContractServer
from tests.deliveries import SECRET, body_of, event, signature
from tests.filling import case, client

PATIENCE_S = 30


def settings_of(server: ContractServer, folder: Path, **more: object) -> Settings:
    told: dict[str, object] = {
        "environment": Environment.TEST,
        "api_key": SecretStr(server.key),
        "referral_url_override": server.url,
        "data_dir": folder,
        "sync_interval_seconds": 0.01,
    }
    return Settings.model_validate({**told, **more})


class Hurried(threading.Event):
    """An event to stop by that notes how long was to be waited, and waits not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return self.is_set()


def test_it_makes_pass_after_pass_until_told_to_stop(
    server: ContractServer, tmp_path: Path
) -> None:
    server.cases = [case("1")]
    stop = Hurried()
    reports: list[SyncReport] = []

    def note(report: SyncReport) -> None:
        reports.append(report)
        if len(reports) == 3:
            stop.set()

    settings = settings_of(server, tmp_path, sync_interval_seconds=77)
    worker.run(settings, stop, on_pass=note)
    assert [report.is_true for report in reports] == [True] * 3
    assert stop.pauses == [77] * 3


def test_passes_of_many_requests_come_no_more_often_than_the_keys_day_allows(
    server: ContractServer, tmp_path: Path
) -> None:
    server.cases = [case(str(number)) for number in range(950)]
    stop = Hurried()
    settings = settings_of(server, tmp_path, sync_interval_seconds=0.01)
    worker.run(settings, stop, on_pass=lambda _: stop.set())
    (pause,) = stop.pauses
    assert pause is not None
    assert len(server.asked) * worker.SECONDS_A_DAY / pause <= 100_000


def test_told_to_stop_it_does_not_wait_for_the_next_pass(
    server: ContractServer, tmp_path: Path
) -> None:
    stop, passed = threading.Event(), threading.Event()
    settings = settings_of(server, tmp_path, sync_interval_seconds=86_400)
    running = threading.Thread(
        target=worker.run, args=(settings, stop), kwargs={"on_pass": lambda _: passed.set()}
    )
    running.start()
    assert passed.wait(PATIENCE_S)
    stop.set()
    running.join(PATIENCE_S)
    assert not running.is_alive()


def test_a_pass_that_the_store_refuses_is_given_up_and_the_next_one_made(
    server: ContractServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(server, tmp_path)
    open_store(settings).close()
    trigger = "CREATE TRIGGER full BEFORE INSERT ON sync_scopes BEGIN SELECT no_such(1); END"
    with closing(sqlite3.connect(tmp_path / "test.sqlite")) as store:
        store.execute(trigger)
    reports: list[SyncReport] = []

    class Mending(Hurried):
        """Mends the store between the first pass and the second."""

        def wait(self, timeout: float | None = None) -> bool:
            with closing(sqlite3.connect(tmp_path / "test.sqlite")) as store:
                store.execute("DROP TRIGGER IF EXISTS full")
            return super().wait(timeout)

        def is_set(self) -> bool:
            return bool(reports)

    worker.run(settings, Mending(), on_pass=reports.append)
    assert [report.is_true for report in reports] == [True]
    assert "The pass was given up" in caplog.text


def test_without_a_key_or_a_place_for_the_store_it_does_not_begin(
    server: ContractServer, tmp_path: Path
) -> None:
    stop = threading.Event()
    with pytest.raises(SettingsError, match="DEBITURA_API_KEY"):
        worker.run(settings_of(server, tmp_path, api_key=None), stop, on_pass=lambda _: None)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreUnwritable):
        worker.run(settings_of(server, file / "data"), stop, on_pass=lambda _: None)
    assert server.asked == []


def test_an_address_that_no_request_can_be_made_to_is_refused_at_once(
    server: ContractServer, tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfiguration):
        open_api(settings_of(server, tmp_path, referral_url_override="http://u:p@127.0.0.1/"))


def test_the_store_is_that_of_the_environment(server: ContractServer, tmp_path: Path) -> None:
    with closing(open_store(settings_of(server, tmp_path))) as store:
        assert store.location == str(tmp_path / "test.sqlite")


def told(settings: Settings) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(settings)}


def test_the_doctor_finds_nothing_where_all_is_well(server: ContractServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path, webhook_secrets=(SecretStr("c2VjcmV0"),))
    stop = Hurried()
    worker.run(settings, stop, on_pass=lambda _: stop.set())
    checks = told(settings)
    assert [name for name, check in checks.items() if not check.ok] == []
    assert "true to Debitura 0 minutes ago" in checks["Data"].told


def test_the_doctor_says_what_to_do_about_each_ill(server: ContractServer, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    checks = told(settings_of(server, file / "data", api_key=SecretStr("wrong-s3cret")))
    assert [name for name, check in checks.items() if not check.ok] == ["API key", "Store"]
    assert "DEBITURA_API_KEY" in checks["API key"].told
    assert "PARTNER_DASHBOARD_DATA" in checks["Store"].told
    assert "s3cret" not in repr(checks)


def test_the_doctor_tells_that_nothing_was_read_yet(server: ContractServer, tmp_path: Path) -> None:
    assert "partner-dashboard sync" in told(settings_of(server, tmp_path))["Data"].told


def test_the_doctor_tells_why_a_scope_is_not_true(server: ContractServer, tmp_path: Path) -> None:
    server.failing = {"/coverage": 400}
    settings = settings_of(server, tmp_path)
    stop = Hurried()
    worker.run(settings, stop, on_pass=lambda _: stop.set())
    data = told(settings)["Data"]
    assert not data.ok
    assert "did not accept" in data.told


def test_what_webhooks_bring_is_applied_while_the_next_pass_is_far_away(
    server: ContractServer, tmp_path: Path
) -> None:
    server.clients, server.cases = [client("t-1")], [case("1")]
    settings = settings_of(server, tmp_path, sync_interval_seconds=86_400)
    stop, read = threading.Event(), threading.Event()
    working = threading.Thread(
        target=worker.run, args=(settings, stop), kwargs={"on_pass": lambda _: read.set()}
    )
    working.start()
    try:
        assert read.wait(PATIENCE_S)
        with closing(open_store(settings)) as store:
            moved = event("case.updated", "t-1", case_id="1", event_id="e-1")
            server.cases = [case("1", lifecycle="Paused")]
            receive(store, moved)
            wait_until(lambda: webhooks.count_by_state(store)[EventState.APPLIED] == 1)
            found = cases.case(store, "1")
            assert found is not None
            assert found.lifecycle == "Paused"
    finally:
        stop.set()
        working.join(PATIENCE_S)


def test_a_link_request_runs_out_in_time_while_the_next_pass_is_far_away(
    server: ContractServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    now = datetime.now(UTC)
    with closing(open_store(settings)) as store:
        with store.write() as session:
            ledger.note_asked_elsewhere(
                session, "t-1", company_name="One", at=now, ttl=timedelta(seconds=1)
            )
        before = store.revision()
        worker.expire_due(store, now=now)
        assert store.revision() == before
        worker.expire_due(store, now=now + timedelta(seconds=1))
        assert store.revision() == before + 1
        counts = link_requests.count_by_status(store, LinkRequestFilter())
        assert counts[LinkRequestStatus.EXPIRED] == 1


def receive(store: Store, envelope: dict[str, Any]) -> None:
    """Let an event in as Debitura sends it."""
    body = body_of(envelope)
    receiver = Receiver(store, lambda: [SecretStr(SECRET)])
    receiver.take(signature(body), body).result(PATIENCE_S)
    receiver.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
