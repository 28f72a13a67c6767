"""Pages of rows, cut by the store and not by the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """Which rows of an ordered list are wanted; ``size`` None means all of them."""

    page: int = 1
    size: int | None = 25
    sort: str | None = None
    descending: bool = False

    @property
    def offset(self) -> int:
        return 0 if self.size is None else (max(self.page, 1) - 1) * self.size


ALL_ROWS = Window(size=None)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list and how many the whole list has."""

    rows: Sequence[T]
    total: int
