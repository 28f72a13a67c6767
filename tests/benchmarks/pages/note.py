"""Writes the outlines of the product's pages, as JSON.

python -m tests.benchmarks.pages.note {…}
"""

import json
import sys

from tests.benchmarks.pages import outline

addresses: dict[str, dict[str, str]] = json.loads(sys.argv[1])
json.dump(
    {
        page: outline.of_page("" if page == "overview" else page, parameters)
        for page, parameters in addresses.items()
    },
    sys.stdout,
)
