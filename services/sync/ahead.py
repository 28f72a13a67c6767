"""Working ahead: several requests at a time, their results in order, and few of them in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 6
IN_MEMORY = 24


def work_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``work`` of each item, in the items' order; the first failure ends it and is raised.

    At most ``AT_ONCE`` run at the same time and ``IN_MEMORY`` are asked for before they are
    taken; items are drawn no sooner than that, so they may depend on results taken before.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        under_way = deque(pool.submit(work, item) for item in islice(waiting, IN_MEMORY))
        try:
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(pool.submit(work, item) for item in islice(waiting, 1))
        finally:
            for each in under_way:
                each.cancel()
