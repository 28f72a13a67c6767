"""A reader of the dashboard: opens its pages as a browser session would, and reads them."""

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pandas as pd
from streamlit.testing.v1 import AppTest

from services.settings import Settings
from services.store import Store
from services.sync.passes import Progress, Sync, SyncReport
from services.wiring import open_api, open_store

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
ROWS_A_PAGE = 25
LISTS = ("onboarding", "link_requests", "cases", "revenue")
PAGES = ("overview", *LISTS, "white_label", "activity", "client")

# Tenant ids that an address has to carry, all of them the sandbox's own, and names that would be
# markup where they are not escaped.
AWKWARD = {
    "acme/eu/42": "<b>Bold</b><script>alert(1)</script>",
    "what?is=this&that": "**Stars** _lines_ `code` ~~gone~~",
    "tenant with spaces": "[Click](https://evil.example) ![x](https://evil.example/x.png)",
    "100%-natur": ":red[Danger] :material/warning: :smile: $x^2$ $$y$$",
    "kunde-ünïcode-客户": "# Heading > quote | a | b | 1. one",
    "a+b#c": "شركة الواحة الخضراء للتجارة العامة",
    "team/withdraw": "🌱 Grønspire & Söhne \\ ApS",
}


def _request(tenant_id: str, name: str) -> dict[str, Any]:
    email = f"{tenant_id}@existing.example"
    return {
        "externalTenantId": tenant_id,
        "client": {"name": name, "country": "Denmark", "supportEmail": email},
        "users": [{"name": name, "email": email, "isOnboardingUser": True}],
    }


PAST_REQUESTS = (
    (_request("expired/one", "**Expired** <i>one</i>"), 10),
    (_request("soon-over", "Soon [over](https://evil.example)"), 6),
    (_request("approved-one", "Approved one"), 3),
)


class Source:
    """A sandbox, or the place where none is."""

    def __init__(self, url: str) -> None:
        self._url = url

    def settings(self, folder: Path) -> Settings:
        return Settings(data_dir=folder, referral_url_override=f"{self._url}/referral")

    def sync(
        self, folder: Path, *, now: datetime | None = None, progress: Progress | None = None
    ) -> SyncReport:
        """One pass into the folder's store, with the clock at ``now``."""
        settings = self.settings(folder)
        store = open_store(settings)
        more: dict[str, Any] = {} if progress is None else {"progress": progress}
        try:
            with open_api(settings) as api:
                clock = lambda: now or datetime.now(UTC)  # noqa: E731
                return Sync(store, api, clock=clock, **more).run()
        finally:
            store.close()


class Product:
    """The dashboard over one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        return self.folder / "sandbox.sqlite"

    def make_empty(self) -> None:
        Store.open(f"sqlite:///{self.file}", "sandbox").close()

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Rows that SQLite itself tells; those of one column as plain values."""
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute(statement, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def change(self, statement: str, *values: Any) -> None:
        """Change the store behind the product's back, before it was opened."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement, values)

    def open(self, page: str = "overview", **parameters: str | Sequence[str]) -> AppTest:
        """A new session's view of a page, its address ending in ``parameters``."""
        app = AppTest.from_file(APP, default_timeout=60)
        if page != "overview":
            app.switch_page(f"views/{page}.py")
        for name, value in parameters.items():
            app.query_params[name] = value if isinstance(value, str) else list(value)
        return run(app)

    def follow(self, link: Any) -> AppTest:
        """A new session that opens what a link of a page leads to."""
        parameters: dict[str, list[str]] = {}
        for name, value in parse_qsl(link.proto.query_string, keep_blank_values=True):
            parameters.setdefault(name, []).append(value)
        return self.open(link.proto.page or "overview", **parameters)


def run(app: AppTest) -> AppTest:
    """Run the page and make sure that it was drawn, within one minute of the clock.

    Pages tell figures as of the present minute; a test that compares them must not see two.
    """
    while True:
        minute = this_minute()
        app.run()
        if minute == this_minute():
            break
    assert not app.exception, [each.proto.message for each in app.exception]
    return app


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def this_hour() -> datetime:
    return this_minute().replace(minute=0)


def sql_time(moment: datetime) -> str:
    """A moment as the store keeps it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def usd(cents: int) -> str:
    """Dollars as headlines show them, made without the product's help."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def metrics(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


def table(app: AppTest) -> pd.DataFrame:
    """The rows of the page's list, which is the last table on it."""
    frame: pd.DataFrame = app.dataframe[-1].value
    return frame


def column(frame: pd.DataFrame, values: Iterable[Any]) -> bool:
    """Whether one of the columns holds exactly these values, whatever it is called."""
    wanted = list(values)
    plain = [name for name in frame.columns if all(pd.api.types.is_scalar(v) for v in frame[name])]
    return any(list(frame[name]) == wanted for name in plain)


def shows(app: AppTest, values: Iterable[Any]) -> bool:
    """Whether a table of the page has a column of exactly these values."""
    wanted = list(values)
    return any(column(each.value, wanted) for each in app.dataframe)


def assert_lists(app: AppTest, key: str, total: int) -> None:
    """The list named ``key`` says that it has ``total`` rows, and is cut in pages of them."""
    keys = [each.key for each in app.pagination]
    pages = -(-total // ROWS_A_PAGE)
    if pages > 1:
        assert app.pagination(key=f"{key}_page").num_pages == pages
    else:
        assert f"{key}_page" not in keys
    told = [caption.value for caption in app.caption]
    assert any(re.match(rf"{total:,}\b", each) for each in told), told


def chart_values(app: AppTest, number: int = 0) -> list[float]:
    """How long the marks of a bar or funnel chart are, in the order in which they are drawn."""
    figure = json.loads(app.get("plotly_chart")[number].proto.spec)
    return [length for trace in figure["data"] for length in trace["x"]]


def text_of(markdown: str) -> str:
    """The text that ``markdown`` shows, where every sign that could be markup is escaped.

    Fails on a sign that is not: HTML, Markdown, and Streamlit's own directives begin with these.
    """
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown)
    assert not re.search(r"[*_`\[\]<>$~#|!:^]", bare), f"markup is active in {markdown!r}"
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def everything_told(app: AppTest) -> str:
    """All texts of a page's alerts and captions, one after the other."""
    parts = [*app.error, *app.warning, *app.info, *app.success, *app.caption, *app.markdown]
    return "\n".join(part.value for part in parts)
