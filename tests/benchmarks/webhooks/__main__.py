"""How many webhook events a second are accepted, against a route that only answers 200.

    python -m tests.benchmarks webhooks [--rounds 5] [--events 1000] [--connections 16]

Both routes stand beside a Streamlit app of their own, and get the same signed deliveries in turn,
A B A B …. The product's counts as accepted when it answers 200, which it does once the event is on
the disk. Events a second depend on the machine and are told; the exit code is 1 where fewer than
``LEAST`` a second were accepted (the median of the rounds), or one was not answered with 200.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from tests.benchmarks.keeping import keep
from tests.benchmarks.processes import PROJECT, free_port, module, running, wait_for
from tests.deliveries import SECRET

LEAST = 200
screen = Console()


@dataclass(frozen=True)
class Round:
    """One burst: accepted events a second, and half and 99 of 100 answers in milliseconds."""

    a_second: float
    half_ms: float
    most_ms: float
    all_accepted: bool


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks webhooks")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--events", type=int, default=1000)
    options.add_argument("--connections", type=int, default=16)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(folder, asked.rounds, (asked.events, asked.connections))
    show(found)
    keep("webhooks", {name: [vars(each) for each in rounds] for name, rounds in found.items()})
    ours = found["product"]
    enough = median(each.a_second for each in ours) >= LEAST
    return 0 if enough and all(each.all_accepted for each in ours) else 1


def measure(folder: str, rounds: int, burst: tuple[int, int]) -> dict[str, list[Round]]:
    ports = {"baseline": free_port(), "product": free_port()}
    environment = {
        **os.environ,
        "DEBITURA_WEBHOOK_SECRET": SECRET,
        "PARTNER_DASHBOARD_DATA": folder,
    }
    baseline = module("tests.benchmarks.webhooks.baseline_app", str(ports["baseline"]))
    product = module("dashboard.cli", "web", "--port", str(ports["product"]))
    with running(baseline, environment) as one, running(product, environment) as other:
        wait_for(one, ports["baseline"], "/healthz")
        wait_for(other, ports["product"], "/healthz")
        found: dict[str, list[Round]] = {name: [] for name in ports}
        for _ in range(rounds):
            for name, port in ports.items():
                found[name].append(one_round(port, burst))
    return found


def one_round(port: int, burst: tuple[int, int]) -> Round:
    command = module("tests.benchmarks.webhooks.sender", str(port), *map(str, burst))
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    accepted = told["statuses"].count(200)
    return Round(
        a_second=accepted / told["seconds"],
        half_ms=median(told["took_ms"]),
        most_ms=quantiles(told["took_ms"], n=100)[98],
        all_accepted=accepted == len(told["statuses"]),
    )


def show(found: dict[str, list[Round]]) -> None:
    table = Table("", "events a second", "(range)", "median ms", "99 % ms", title="Webhooks")
    for name, rounds in found.items():
        speeds = [each.a_second for each in rounds]
        table.add_row(
            name,
            f"{median(speeds):,.0f}",
            f"{min(speeds):,.0f} to {max(speeds):,.0f}",
            f"{median(each.half_ms for each in rounds):.1f}",
            f"{median(each.most_ms for each in rounds):.1f}",
        )
    ratio = median(each.a_second for each in found["product"]) / median(
        each.a_second for each in found["baseline"]
    )
    screen.print(table)
    screen.print(f"The product accepts {ratio:.0%} of what the baseline answers.")


if __name__ == "__main__":
    sys.exit(main())
