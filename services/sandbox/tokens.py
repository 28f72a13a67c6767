"""Bearer tokens of the Customer API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

ALGORITHM = "HS256"
AUDIENCE = "customer-api"


class TokenMint:
    """Mints and reads JWTs for one client each. ``now`` gives the time that counts."""

    def __init__(
        self, signing_key: bytes, lifetime_seconds: int, now: Callable[[], datetime]
    ) -> None:
        self._key = signing_key
        self.lifetime_seconds = lifetime_seconds
        self._now = now

    def mint(self, creditor_id: str, tenant_id: str) -> str:
        """A token for a creditor that ends after the lifetime."""
        now = self._now()
        claims = {
            "sub": creditor_id,
            "externalTenantId": tenant_id,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + timedelta(seconds=self.lifetime_seconds),
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def creditor_id(self, token: str) -> str | None:
        """The creditor a token is for; None when it is not ours or has ended."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                [ALGORITHM],
                audience=AUDIENCE,
                # The world's clock decides, which a test may turn forward.
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        if datetime.fromtimestamp(claims["exp"], UTC) <= self._now():
            return None
        return str(claims["sub"])
