"""How pages ask: through the services, from the store, once per change of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from services.debitura import ReferralPartnerApi
from services.settings import Settings, load_settings
from services.store import Store
from services.wiring import open_api, open_store

ACTOR = "dashboard"
"""Who asks for what is done on a page, as long as nobody signs in."""
POLL_EVERY_S = 1
"""How often an open page looks at what changes without the store's revision."""

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Backend:
    """What a page needs to ask and to act."""

    settings: Settings
    store: Store


@st.cache_resource(show_spinner=False)
def backend() -> Backend:
    """The settings and the store, opened once for all sessions.

    Raises SettingsError or StoreError, which app.py shows.
    """
    settings = load_settings()
    return Backend(settings, open_store(settings))


@contextmanager
def debitura() -> Iterator[ReferralPartnerApi]:
    """The Referral Partner API, for an action. Raises SettingsError without a key."""
    with open_api(backend().settings) as api:
        yield api


def ask(
    question: Callable[Concatenate[Store, Asked], Answer],
    *args: Asked.args,
    **kwargs: Asked.kwargs,
) -> Answer:
    """The service's answer, kept until the store's revision rises."""
    store = backend().store
    name = f"{question.__module__}.{question.__qualname__}"
    answer: Answer = _kept(name, store.location, store.revision(), args, kwargs, _ask=question)
    return answer


def ask_now(
    question: Callable[Concatenate[Store, Asked], Answer],
    *args: Asked.args,
    **kwargs: Asked.kwargs,
) -> Answer:
    """The service's answer of this moment: for what the sync notes without raising the revision."""
    return question(backend().store, *args, **kwargs)


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def this_hour() -> datetime:
    """The hour that has begun last: for ages that are told in days."""
    return now().replace(minute=0, second=0, microsecond=0)


def this_minute() -> datetime:
    """The present minute: a moment that repeats, so that answers about it can be kept."""
    return now().replace(second=0, microsecond=0)


@st.cache_data(max_entries=300, show_spinner=False)
def _kept(
    name: str,
    location: str,
    revision: int,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    _ask: Callable[..., Any],
) -> Any:
    return _ask(backend().store, *args, **kwargs)
