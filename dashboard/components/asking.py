"""Asking a company once more for the link."""

from dashboard import data
from services import link_requests
from services.debitura import DebituraError
from services.settings import SettingsError
from services.store import StoreError


class NotAsked(Exception):
    """Asking failed; the message says why."""


def ask_again(request_id: int) -> str:
    """Ask, and tell what came of it. Raises NotAsked."""
    backend = data.backend()
    try:
        with data.debitura() as api:
            result = link_requests.ask_again(
                backend.store,
                api,
                request_id,
                actor=data.ACTOR,
                now=data.now(),
                ttl=backend.settings.approval_ttl,
            )
    except (DebituraError, SettingsError, StoreError, LookupError) as error:
        raise NotAsked(f"{error} Nothing was changed.") from error
    return link_requests.outcome_sentence(result)
