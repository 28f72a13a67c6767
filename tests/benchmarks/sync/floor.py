"""The floor: every page downloaded with bare httpx and thrown away, nothing parsed or stored."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.benchmarks.sync.lists import HEADERS, SourceList, pages
from tests.benchmarks.sync.measured import Outcome, Task, Watch, task, tell


def download(wanted: Task) -> int:
    """Download everything, so many requests at once; returns how many there were."""
    with httpx.Client(base_url=wanted.url, headers=HEADERS, trust_env=False, timeout=30) as client:

        def get(page: tuple[SourceList, int]) -> None:
            which, number = page
            client.get(which.path, params=which.query(number)).raise_for_status()

        if wanted.at_once == 1:
            return sum(1 for _ in map(get, pages(wanted.totals)))
        with ThreadPoolExecutor(wanted.at_once) as pool:
            return sum(1 for _ in pool.map(get, pages(wanted.totals)))


if __name__ == "__main__":
    given = task()
    watch = Watch()
    requests = download(given)
    tell(Outcome(watch.read(), requests=requests))
