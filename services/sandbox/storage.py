"""Keeping of a world in a file."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.sandbox.model import WorldState
from services.sandbox.world import World

SAVE_EVERY_SECONDS = 3.0
REST_A_SAVE = 20  # writing a large world takes seconds, in which nothing is answered
_STATE = TypeAdapter(WorldState)


class UnreadableState(Exception):
    """The file holds no world; it is left as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not hold a sandbox world; move it away to start afresh.")


def load_state(path: Path) -> WorldState | None:
    """The world in a file, None when there is no file. Raises UnreadableState."""
    try:
        return _STATE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise UnreadableState(path) from error


def save_state(state: WorldState, path: Path) -> None:
    """Write a world beside the file, then put it in the file's place, so that a crash leaves
    either the old world or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(_STATE.dump_json(state))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


class StateKeeper:
    """Saves a world every few seconds while it changes, and once more at the end."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._saved: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch; needs a running event loop."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching and save what is new."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._save()

    async def _watch(self) -> None:
        rest = SAVE_EVERY_SECONDS
        while True:
            await asyncio.sleep(rest)
            began = time.monotonic()
            self._save()
            rest = max(SAVE_EVERY_SECONDS, REST_A_SAVE * (time.monotonic() - began))

    def _save(self) -> None:
        if self._saved != self._world.revision:
            # Before writing: a failure is tried again only after the next change.
            self._saved = self._world.revision
            save_state(self._world.state, self._path)
