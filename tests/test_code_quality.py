"""The linters and the type checker have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "check",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=" ".join,
)
def test_a_checker_has_nothing_to_say(check: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *check], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
