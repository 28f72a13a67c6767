"""Bearer tokens for the Customer API: minted per client, reused until shortly before they end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from services.debitura.errors import Call, DeadLink, NotFound
from services.debitura.limits import Clock
from services.debitura.schemas import AccessToken

DEFAULT_LIFE_S = 1800.0  # what Debitura documents, for an answer that does not say
MARGIN_S = 120.0  # a token is not used in its last two minutes, so that a call can end in time


@dataclass(slots=True)
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    usable_until: float = float("-inf")


class TokenProvider:
    """Hands out a client's token; several threads that ask for the same one mint it once.

    ``mint`` is ``ReferralPartnerApi.create_token``. Tokens live in memory only.
    """

    def __init__(self, mint: Callable[[str], AccessToken], *, clock: Clock | None = None) -> None:
        self._mint = mint
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def token(self, tenant_id: str) -> str:
        """A token that is good for now.

        Raises ``DeadLink`` when Debitura gives none for this client, else what minting raises.
        """
        held = self._of(tenant_id)
        with held.lock:
            if held.token is None or self._clock.monotonic() >= held.usable_until:
                self._renew(tenant_id, held)
            return held.token or ""

    def forget(self, tenant_id: str, token: str) -> None:
        """Drop a token that was refused, unless another thread has renewed it since."""
        held = self._of(tenant_id)
        with held.lock:
            if held.token == token:
                held.token = None

    def _of(self, tenant_id: str) -> _Held:
        with self._lock:
            return self._held.setdefault(tenant_id, _Held())

    def _renew(self, tenant_id: str, held: _Held) -> None:
        held.token = None
        asked_at = self._clock.monotonic()
        try:
            minted = self._mint(tenant_id)
        except NotFound as error:
            raise DeadLink(Call(error.method or "", error.path or ""), status=404) from None
        life = minted.expires_in if minted.expires_in and minted.expires_in > 0 else DEFAULT_LIFE_S
        held.token = minted.access_token.get_secret_value()
        # Counted from before asking, so that a slow answer does not lengthen the life.
        held.usable_until = asked_at + max(life - MARGIN_S, life / 2)
