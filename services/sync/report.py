"""How a pass of the sync came out."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.store.bookkeeping import Scope

FULL = "full"
REFRESH = "refresh"


@dataclass(frozen=True)
class ScopeReport:
    """How one scope came out; ``error`` is a sentence for a person, None when it is true.

    ``rows`` are listed now, ``read`` came over the wire in this pass with ``requests`` requests,
    and ``how`` says in a few words what was read.
    """

    scope: Scope
    rows: int = 0
    read: int = 0
    changed: int = 0
    archived: int = 0
    rejected: int = 0
    requests: int = 0
    how: str = ""
    error: str | None = None

    @property
    def is_true(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class SyncReport:
    """How a pass came out; ``kind`` is full where every list was read whole."""

    started_at: datetime
    finished_at: datetime
    kind: str
    scopes: tuple[ScopeReport, ...]

    @property
    def requests(self) -> int:
        """How many requests the pass took."""
        return sum(report.requests for report in self.scopes)

    @property
    def is_true(self) -> bool:
        """Whether every scope is true to the source."""
        return all(report.is_true for report in self.scopes)

    def as_json(self) -> dict[str, Any]:
        return {
            "startedAt": self.started_at.isoformat(),
            "finishedAt": self.finished_at.isoformat(),
            "kind": self.kind,
            "requests": self.requests,
            "true": self.is_true,
            "scopes": [{**asdict(report), "true": report.is_true} for report in self.scopes],
        }
