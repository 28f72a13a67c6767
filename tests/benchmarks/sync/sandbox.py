"""The sandbox without its rate limits: ``python -m tests.benchmarks.sync.sandbox {"port": …}``."""

import json
import sys

from services.sandbox import SandboxOptions, run

if __name__ == "__main__":
    run(
        SandboxOptions(
            **json.loads(sys.argv[1]),
            requests_per_minute=None,
            requests_per_hour=None,
            requests_per_day=None,
        )
    )
