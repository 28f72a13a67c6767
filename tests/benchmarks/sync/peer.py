"""The peer: dlt's REST API source into a fresh SQLite file.

Given to it beyond its defaults: the three lists at the same time (``parallelized``), as its
documentation advises. Its telemetry and its progress display are off. It loads much of itself only
in its first run, so a pipeline of one row goes before the one that is measured.
"""

import os
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, RESTAPIConfig

from tests.benchmarks.sync.lists import HEADERS, LISTS, PAGE_SIZE, SourceList
from tests.benchmarks.sync.measured import Outcome, Task, Watch, stored_rows, task, tell


def measure(wanted: Task) -> Outcome:
    """Extraction, normalization and load; the tables are replaced as a whole."""
    folder = Path(wanted.folder)
    os.chdir(folder)
    _pipeline(folder, "warm_up").run([{"id": 1}], table_name="rows").raise_on_failed_jobs()
    watch = Watch()
    source = rest_api_source(_source(wanted.url), parallelized=True)
    _pipeline(folder, "peer").run(source).raise_on_failed_jobs()
    return Outcome(watch.read(), stored_rows(folder / "peer.sqlite"))


def _pipeline(folder: Path, name: str) -> dlt.Pipeline:
    return dlt.pipeline(
        name,
        pipelines_dir=str(folder),
        destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder / name}.sqlite"),
        dataset_name="main",  # another name would be a second file, attached to the first
    )


def _source(url: str) -> RESTAPIConfig:
    return {
        "client": {
            "base_url": url,
            "headers": HEADERS,
            "paginator": {
                "type": "page_number",
                "base_page": 1,
                "page_param": "Page",
                "total_path": "page.totalPages",
            },
        },
        "resource_defaults": {"write_disposition": "replace"},
        "resources": [_resource(each) for each in LISTS],
    }


def _resource(which: SourceList) -> EndpointResource:
    return {
        "name": which.name,
        "endpoint": {
            "path": which.path,
            "params": {"PageSize": PAGE_SIZE, "Sort": which.sort},
            "data_selector": which.rows,
        },
    }


if __name__ == "__main__":
    tell(measure(task()))
