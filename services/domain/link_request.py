"""How a link request comes to its end, whoever tells of it and in whatever order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

CLOCKS_DIFFER_BY = timedelta(minutes=1)


class LinkRequestStatus(StrEnum):
    """What became of a link request; the values are what exports carry."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


class LearntBy(StrEnum):
    """Who told how a request stands."""

    ANSWER = "answer"
    """The answer to our own ``POST /clients``."""
    WEBHOOK = "webhook"
    SYNC = "sync"
    """The client turned up in the list."""
    CLOCK = "clock"
    """Nobody: the time ran out by our own clock."""


@dataclass(frozen=True)
class Standing:
    """How a request stands, since when (None while it waits), and who told."""

    status: LinkRequestStatus
    since: datetime | None
    learnt_by: LearntBy

    def outweighs(self, known: "Standing") -> bool:
        """Whether this replaces what is ``known``.

        Any end replaces waiting, what was told replaces what only our clock says, an approval
        replaces any other end, because the client is linked then, and of two others the later one
        counts. So a request ends alike in whatever order, and however often, its ends are told.
        """
        return self._weight() > known._weight()

    def _weight(self) -> tuple[bool, bool, bool, datetime, int]:
        return (
            self.status is not LinkRequestStatus.PENDING,
            self.learnt_by is not LearntBy.CLOCK,
            self.status is LinkRequestStatus.APPROVED,
            self.since or datetime.min.replace(tzinfo=UTC),
            _OF_EQUALS.index(self.status),
        )


_OF_EQUALS = (
    LinkRequestStatus.PENDING,
    LinkRequestStatus.EXPIRED,
    LinkRequestStatus.DECLINED,
    LinkRequestStatus.APPROVED,
)
"""Of two ends that are told for the same moment, the later one in this order counts."""


def concerned(asked: Sequence[datetime], moment: datetime) -> int | None:
    """Which of a client's requests, ``asked`` in this order, an end at ``moment`` is about.

    Events name the client and not the request. Asking again makes the request before void, so it
    is the last that was asked by then; None where none was.
    """
    before = [number for number, at in enumerate(asked) if at <= moment + CLOCKS_DIFFER_BY]
    return before[-1] if before else None
