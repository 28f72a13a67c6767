"""Keeping what was measured."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def keep(benchmark: str, found: Mapping[str, Any]) -> Path:
    """Write the figures to a file of their own, with the hour and the machine's load."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{benchmark}-{now:%Y%m%d-%H%M%S}.json"
    machine = {"at": now.isoformat(), "processors": os.cpu_count(), "load": os.getloadavg()}
    file.write_text(json.dumps({**machine, **found}, indent=2))
    return file
