"""The first start in the sandbox: a dozen link requests, so that their page is not empty."""

from collections.abc import Callable
from datetime import UTC, datetime

from services import link_requests
from services.debitura import DebituraError, NewClient
from services.sandbox.sample_requests import SAMPLE_REQUESTS
from services.settings import Settings, SettingsError
from services.store import Store
from services.wiring import open_api


def ask_for_sample_links(settings: Settings, store: Store, say: Callable[[str], None]) -> None:
    """Ask for the links as a partner would, through the same service."""
    try:
        with open_api(settings) as api:
            for sample in SAMPLE_REQUESTS:
                link_requests.ask_for_link(
                    store,
                    api,
                    NewClient.model_validate(sample),
                    actor="sandbox",
                    now=datetime.now(UTC),
                    ttl=settings.approval_ttl,
                )
    except (DebituraError, SettingsError) as error:
        say(f"The sample link requests could not be made: {error}")
