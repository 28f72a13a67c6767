"""Every benchmark, or one of them by name with its options.

    python -m tests.benchmarks
    python -m tests.benchmarks pages --pairs 3
    python -m tests.benchmarks sync --large
    python -m tests.benchmarks webhooks --rounds 3

Each runs in a process of its own: what one has loaded must not weigh on the memory of another.
The exit code is the worst one.
"""

import subprocess
import sys

from tests.benchmarks.processes import PROJECT, module

BENCHMARKS = ("pages", "sync", "webhooks", "live")


def main(asked: list[str]) -> int:
    if asked and asked[0] not in BENCHMARKS:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    names, options = (asked[:1], asked[1:]) if asked else (BENCHMARKS, [])
    return max(_run(name, options) for name in names)


def _run(name: str, options: list[str]) -> int:
    command = module(f"tests.benchmarks.{name}", *options)
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
