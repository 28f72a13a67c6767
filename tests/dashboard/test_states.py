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
    text_of,
)

from services.store import Store
from services.store.bookkeeping import Scope

NOWHERE = Source("http://127.0.0.1:9")
"""Nothing listens on the discard port."""
DATA_PAGES = [page for page in PAGES if page != "client"]
# Link requests are the product's own ledger: there is nothing to wait for.
READ_PAGES = [page for page in DATA_PAGES if page != "link_requests"]

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
    app = product.open()
    assert len(app.progress) == 1
    assert f"{done:,}" in app.progress[0].text
    assert f"{total:,}" in app.progress[0].text


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


@pytest.mark.parametrize("page", DATA_PAGES)
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
