"""How long the product's pages take, against pages of the same elements without data.

    python -m tests.benchmarks pages [--pairs 7]

Both are served side by side and opened in turn in Chromium, A B A B …; a page counts as settled
when the app is idle and every number, chart and table of it is drawn. Seconds depend on the
machine and are told, never judged; the exit code is 1 where the median of a page is more than
twice that of its baseline.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext
from rich.console import Console
from rich.table import Table

from tests.benchmarks import chromium
from tests.benchmarks.keeping import keep
from tests.benchmarks.processes import PATIENCE_S, PROJECT, free_port, module, running, wait_for

MOST = 2.0
PAGES = ("overview", "onboarding", "link_requests", "cases", "revenue", "white_label", "client")
SETTLED = """([metrics, charts, tables]) => {
  const app = document.querySelector('[data-testid="stApp"]');
  const all = name => [...document.querySelectorAll(`[data-testid="${name}"]`)];
  const settled = !!app
    && app.dataset.testScriptState === 'notRunning'
    && app.dataset.testConnectionState === 'CONNECTED'
    && all('stMetric').length >= metrics
    && all('stPlotlyChart').filter(each => each.querySelector('.main-svg')).length >= charts
    && all('stDataFrame').filter(each => each.querySelector('canvas')).length >= tables;
  return settled ? performance.now() : false;
}"""

screen = Console()


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks pages", description=__doc__)
    options.add_argument("--pairs", type=int, default=7, help="measured pairs for each page")
    pairs: int = options.parse_args().pairs
    if chromium.find() is None:
        screen.print(chromium.MISSING)
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        product = stack.enter_context(_product(folder))
        addresses = _addresses(folder)
        outlines = _outlines(folder, addresses)
        baseline = stack.enter_context(_baseline(folder / "outlines.json"))
        browser = stack.enter_context(chromium.opened())
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        results = {
            page: _measure(context, page, addresses[page], outlines[page], product, baseline, pairs)
            for page in PAGES
        }
    _tell(results)
    screen.print(f"Written to {keep('pages', {'pages': results})}")
    slow = [page for page, each in results.items() if each["ratio"] > MOST]
    if slow:
        screen.print(f"More than {MOST:g} times the baseline: {', '.join(slow)}")
    return 1 if slow else 0


def _measure(
    context: BrowserContext,
    page: str,
    parameters: dict[str, str],
    outline: list[dict[str, Any]],
    product: str,
    baseline: str,
    pairs: int,
) -> dict[str, Any]:
    """Alternating times of the product's page and its baseline, after one of each to warm up."""
    path = "" if page == "overview" else page
    asked = f"?{urlencode(parameters)}" if parameters else ""
    wanted = [
        sum(each["kind"] == kind for each in outline)
        for kind in ("metric", "plotly_chart", "dataframe")
    ]
    times: dict[str, list[float]] = {"product": [], "baseline": []}
    for number in range(pairs + 1):
        for name, root in (("product", product), ("baseline", baseline)):
            took = _open(context, f"{root}/{path}{asked}", wanted)
            if number:
                times[name].append(took)
    middle = {name: median(values) for name, values in times.items()}
    screen.print(f"{page}: {middle['product']:.2f} s against {middle['baseline']:.2f} s")
    return {
        **times,
        "medians": middle,
        "ratio": middle["product"] / middle["baseline"],
        "elements": {"metrics": wanted[0], "charts": wanted[1], "tables": wanted[2]},
    }


def _open(context: BrowserContext, url: str, wanted: list[int]) -> float:
    """Seconds from the start of the navigation until the page is settled."""
    tab = context.new_page()
    try:
        tab.goto(url, wait_until="commit")
        settled = tab.wait_for_function(SETTLED, arg=wanted, timeout=PATIENCE_S * 1000)
        return float(settled.json_value()) / 1000
    finally:
        tab.close()


def _addresses(folder: Path) -> dict[str, dict[str, str]]:
    """What each page is opened with: the client page with the client that has most to show."""
    with closing(sqlite3.connect(folder / "sandbox.sqlite")) as store:
        (tenant,) = store.execute(
            "SELECT external_tenant_id FROM transactions GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1"
        ).fetchone()
    return {page: {"tenant": tenant} if page == "client" else {} for page in PAGES}


def _outlines(folder: Path, addresses: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Note the elements of every page in a process of its own, which sees the product's store."""
    told = subprocess.run(
        module("tests.benchmarks.pages.note", json.dumps(addresses)),
        cwd=PROJECT,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (folder / "outlines.json").write_text(told)
    outlines: dict[str, Any] = json.loads(told)
    return outlines


@contextmanager
def _product(folder: Path) -> Iterator[str]:
    port = free_port()
    ports = ("--port", str(port), "--sandbox-port", str(free_port()))
    # One sync as it would be in production, not one every few seconds as in a demonstration.
    environment = _environment(folder) | {"PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS": "300"}
    with running(
        module("dashboard.cli", "serve", "--sandbox-speed", "0", *ports), environment
    ) as process:
        wait_for(process, port, "/readyz")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _baseline(outlines: Path) -> Iterator[str]:
    port = free_port()
    app = str(Path(__file__).with_name("baseline_app.py"))
    address = ("--server.port", str(port), "--server.address", "127.0.0.1")
    command = module("streamlit", "run", app, *address)
    with running(command, {**os.environ, "OUTLINES": str(outlines)}) as process:
        wait_for(process, port, "/_stcore/health")
        yield f"http://127.0.0.1:{port}"


def _environment(folder: Path) -> dict[str, str]:
    ours = {"DEBITURA_ENVIRONMENT": "sandbox", "PARTNER_DASHBOARD_DATA": str(folder)}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DEBITURA_", "DATABASE_URL", "PARTNER_DASHBOARD_"))
    }
    return {**kept, **ours}


def _tell(results: dict[str, dict[str, Any]]) -> None:
    table = Table("page", "product", "baseline", "ratio", title="Seconds until settled")
    for page, each in results.items():
        spans = [
            f"{median(each[name]):.2f} ({min(each[name]):.2f} to {max(each[name]):.2f})"
            for name in ("product", "baseline")
        ]
        table.add_row(page, *spans, f"{each['ratio']:.2f}")
    screen.print(table)
    load = os.getloadavg()[0]
    screen.print(f"{os.cpu_count()} processors, load {load:.1f} over the last minute")
    if find_spec("orjson"):
        screen.print(
            "orjson is installed: plotly draws faster with it than the product does without"
        )


if __name__ == "__main__":
    sys.exit(main())
