"""First start, failed and stale data, and a store that cannot be used."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dashboard_reader import (
    PAGES,
    Product,
    Source,
    everything_told,
    metrics,
    run,
    sql_time,
    text_of,
)
from streamlit.testing.v1 import AppTest

from services.store import Store
from services.store.bookkeeping import Scope

NOWHERE = Source("http://127.0.0.1:9")
"""Nothing listens on the discard port."""
DATA_PAGES = [page for page in PAGES if page != "client"]
# Link requests are the product's own ledger, and Activity tells of the sync itself: there is
# nothing to wait for.
READ_PAGES = [page for page in DATA_PAGES if page not in ("link_requests", "activity")]

StartProduct = Callable[[Path], Product]


class Interrupted(Exception):
    """A sync was cut short."""


def shows_figures(app: object) -> bool:
    return any(getattr(app, kind) for kind in ("metric", "dataframe", "pagination"))


@pytest.mark.parametrize("page", READ_PAGES)
def test_before_the_first_sync_a_page_says_that_it_runs(
    product_in: StartProduct, tmp_path: Path, page: str
) -> None:
    product = product_in(tmp_path)
    product.make_empty()
    app = product.open(page)
    assert len(app.info) == 1
    assert "first sync" in app.info[0].value.lower()
    assert not app.error
    assert not shows_figures(app)


def test_before_the_first_sync_a_client_is_not_called_unknown(
    product_in: StartProduct, tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    product.make_empty()
    app = product.open("client", tenant="acme/eu/42")
    assert not app.warning
    assert len(app.info) == 1


def test_a_folder_without_a_store_is_a_first_start(
    product_in: StartProduct, tmp_path: Path
) -> None:
    app = product_in(tmp_path / "new").open()
    assert len(app.info) == 1
    assert not app.error


def cut_short_in(scope: Scope, source: Source, folder: Path) -> None:
    def stop(at: Scope, done: int, _total: int | None) -> None:
        if at is scope and done:
            raise Interrupted

    with pytest.raises(Interrupted):
        source.sync(folder, progress=stop)


def test_during_the_first_sync_the_header_says_how_far_it_is(
    product_in: StartProduct, tiny: Source, tmp_path: Path
) -> None:
    cut_short_in(Scope.CASES, tiny, tmp_path)
    product = product_in(tmp_path)
    done, total = product.sql(
        "SELECT SUM(rows_done), SUM(rows_total) FROM sync_scopes WHERE rows_total IS NOT NULL"
    )[0]
    app = product.open("link_requests")
    assert len(app.progress) == 1
    assert f"{done:,} of {total:,} rows" in app.progress[0].text


def begin_first_sync(product: Product, cases_done: int, cases_total: int) -> None:
    """A store in which the clients are read, the cases are being read, and the rest is to come."""
    product.make_empty()
    insert = (
        "INSERT INTO sync_scopes (scope, state, true_at, rows_done, rows_total) "
        "VALUES (?, ?, ?, ?, ?)"
    )
    just_now = sql_time(datetime.now(UTC))
    product.change(insert, "clients", "true", just_now, 2000, 2000)
    product.change(insert, "cases", "running", None, cases_done, cases_total)
    product.change(insert, "coverage", "running", None, 0, None)


def test_during_the_first_sync_a_page_says_how_far_each_of_its_scopes_is(
    product_in: StartProduct, tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    begin_first_sync(product, 1200, 10_000)
    header, *bars = product.open().progress
    assert header.text == (
        "First sync: 3,200 of 12,000 rows so far, partner, transactions and coverage to come"
    )
    assert [(bar.text, bar.value) for bar in bars] == [
        ("Clients: all read", 100),
        ("Cases: 1,200 of 10,000 rows", 12),
        ("Transactions: not begun", 0),
    ]


def test_a_scope_that_grows_while_it_is_first_read_does_not_overflow_its_bar(
    product_in: StartProduct, tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    begin_first_sync(product, 12, 10)
    assert product.open("cases").progress[-1].value == 100


def test_during_the_first_sync_no_page_takes_what_is_not_read_yet_for_none(
    product_in: StartProduct, tiny: Source, tmp_path: Path
) -> None:
    cut_short_in(Scope.CASES, tiny, tmp_path)
    product = product_in(tmp_path)
    for page in ("cases", "revenue"):
        told = everything_told(product.open(page)).lower()
        assert "filter" not in told, f"{page} blames the filters"
        assert "first sync" in told


@pytest.mark.parametrize("page", [*READ_PAGES, "client"])
def test_where_nothing_could_be_read_a_page_says_why_and_what_happens_next(
    product_in: StartProduct, tmp_path: Path, page: str
) -> None:
    assert not NOWHERE.sync(tmp_path).is_true
    product = product_in(tmp_path)
    reason = product.sql("SELECT error FROM sync_scopes WHERE scope = 'clients'")[0]
    app = product.open(page, **({"tenant": "acme/eu/42"} if page == "client" else {}))
    assert len(app.error) == 1
    told = app.error[0].value.replace("\\", "")
    assert reason in told
    assert len(told) > len(reason), "it says what happens next"
    assert not app.info
    assert not shows_figures(app)


@pytest.fixture
def stale(product_in: StartProduct, tiny: Source, tmp_path: Path) -> Product:
    """Three hours ago all was read; since then nothing could be."""
    long_ago = datetime.now(UTC) - timedelta(hours=3, minutes=5)
    assert tiny.sync(tmp_path, now=long_ago).is_true
    return product_in(tmp_path)


@pytest.mark.parametrize("page", [page for page in DATA_PAGES if page != "activity"])
def test_a_failing_sync_leaves_the_old_data_on_every_page(stale: Product, page: str) -> None:
    before = stale.open(page)
    assert not NOWHERE.sync(stale.folder).is_true
    after = stale.open(page)
    assert metrics(after) == metrics(before)
    assert [list(each.value.index) for each in after.dataframe] == [
        list(each.value.index) for each in before.dataframe
    ]
    assert not after.error


@pytest.mark.parametrize("page", PAGES)
def test_the_header_says_how_old_the_data_is_and_why(stale: Product, page: str) -> None:
    assert "3 hours ago" in everything_told(stale.open(page))
    assert not NOWHERE.sync(stale.folder).is_true
    reason = stale.sql("SELECT error FROM sync_scopes WHERE scope = 'clients'")[0]
    told = everything_told(stale.open(page)).replace("\\", "")
    assert "3 hours ago" in told
    assert reason in told


def tooltip(app: AppTest) -> str:
    """What is behind the question mark at the age of the data."""
    told = next(each for each in app.caption if each.value.startswith(("Data as of", "No data")))
    return str(told.proto.help)


def test_the_header_tells_the_state_of_every_scope(stale: Product) -> None:
    stale.change("UPDATE sync_scopes SET full_at = datetime('now', '-26 hours')")
    stale.change(
        "UPDATE sync_scopes SET state = 'running', rows_done = 1200, rows_total = 10000 "
        "WHERE scope = 'cases'"
    )
    stale.change(
        "UPDATE sync_scopes SET state = 'failed', error = 'Debitura said **no**.' "
        "WHERE scope = 'coverage'"
    )
    told = tooltip(stale.open()).splitlines()
    assert "- Clients: true as of 3 hours ago" in told
    assert "- Cases: being read, 1,200 of 10,000 rows; read whole 3 hours ago" in told
    assert told[-1] == "Last full scan: 1 day ago"
    (failed,) = [line for line in told if "Coverage" in line]
    assert "failed; read whole 3 hours ago. " in failed
    assert text_of(failed.split(". ", 1)[1]) == "Debitura said **no**."


def test_out_of_date_leads_to_the_syncs(
    product_in: StartProduct, tiny: Source, tmp_path: Path
) -> None:
    assert tiny.sync(tmp_path).is_true
    product = product_in(tmp_path)
    assert not [link for link in product.open().page_link if link.proto.page == "activity"]
    assert not NOWHERE.sync(tmp_path).is_true
    for page in ("overview", "cases"):
        (link,) = [each for each in product.open(page).page_link if each.proto.page == "activity"]
        assert product.follow(link).title[0].value == "Activity"


def test_the_header_falls_silent_once_the_source_answers_again(
    stale: Product, tiny: Source
) -> None:
    assert not NOWHERE.sync(stale.folder).is_true
    reason = stale.sql("SELECT error FROM sync_scopes WHERE scope = 'clients'")[0]
    app = stale.open()
    assert reason in everything_told(app).replace("\\", "")
    assert tiny.sync(stale.folder).is_true
    told = everything_told(run(app)).replace("\\", "")
    assert reason not in told
    assert "just now" in told


def test_a_store_of_another_environment_is_one_sentence(
    product_in: StartProduct, tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    Store.open(f"sqlite:///{product.file}", "production").close()
    app = product.open()
    assert len(app.error) == 1
    assert "production" in app.error[0].value
    assert "DATA" in app.error[0].value, "it names the setting to change"
    assert not shows_figures(app)


def test_a_file_that_is_no_store_is_one_sentence(product_in: StartProduct, tmp_path: Path) -> None:
    product = product_in(tmp_path)
    product.file.write_bytes(b"This is a letter, not a database. " * 200)
    app = product.open("cases")
    assert len(app.error) == 1
    assert str(product.file) in app.error[0].value.replace("\\", "")
    assert not shows_figures(app)


def test_settings_that_cannot_be_used_are_one_sentence(
    product_in: StartProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = product_in(tmp_path)
    monkeypatch.setenv("DEBITURA_LINK_TTL_DAYS", "a week")
    app = product.open()
    assert len(app.error) == 1
    assert "DEBITURA_LINK_TTL_DAYS" in app.error[0].value.replace("\\", "")


def test_the_environment_is_on_every_page(stale: Product) -> None:
    for page in PAGES:
        told = text_of_badges(stale.open(page))
        assert "Sandbox" in told, page


def text_of_badges(app: object) -> str:
    return " ".join(part.value for part in getattr(app, "markdown"))  # noqa: B009


def test_the_reason_is_shown_as_text(
    product_in: StartProduct, tiny: Source, tmp_path: Path
) -> None:
    assert tiny.sync(tmp_path).is_true
    product = product_in(tmp_path)
    product.change(
        "UPDATE sync_scopes SET state = 'failed', error = ? WHERE scope = 'cases'",
        "Not **read** <b>yet</b> [x](https://evil.example)",
    )
    told = [each.value for each in product.open().caption if "evil" in each.value]
    assert len(told) == 1
    inner = told[0].removeprefix(":orange[").removesuffix("]")
    assert "Not **read** <b>yet</b> [x](https://evil.example)" in text_of(inner)
