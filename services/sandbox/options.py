"""What a sandbox is started with."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

InvoicingMode = Literal["PayWhenPaid", "ConfirmedPipeline"]


@dataclass(frozen=True)
class SandboxOptions:
    """Size, behaviour and address of one sandbox; every value has a working default.

    ``SandboxOptions(port=0, cases=50, transactions=80, requests_per_minute=None)``

    - ``clients``, ``cases``, ``transactions``, ``seed``: the world; the same four give the same
      ids, names, amounts and ages.
    - ``today``: the day the ages count back from; None is the current day in UTC.
    - ``requests_per_…``: sliding limits for each key; None switches one off.
    - ``state_file``: the world is read from it when it exists and written back after changes.
    - ``speed``: simulated seconds that pass for each real second; 0: nothing happens by itself.
    - ``webhook_retry_scale``: how many times faster than Debitura a failed delivery is tried again.
    - ``webhook_duplicate_share``: how many of 1 deliveries are made twice, as happens.
    - ``production``: True refuses what only Debitura's test environment allows (HTTP 403).
    """

    host: str = "127.0.0.1"
    port: int = 8600
    clients: int = 180
    cases: int = 1200
    transactions: int = 2000
    seed: int = 7
    api_key: str = "sandbox"
    invoicing_mode: InvoicingMode = "PayWhenPaid"
    link_ttl_days: int = 7
    requests_per_minute: int | None = 2000
    requests_per_hour: int | None = 20_000
    requests_per_day: int | None = 100_000
    token_lifetime_seconds: int = 1800
    today: date | None = None
    state_file: Path | None = None
    production: bool = False
    speed: float = 0.0
    webhook_retry_scale: float = 60.0
    webhook_duplicate_share: float = 0.0

    @property
    def flow_url(self) -> str:
        """Where the pages that clients open live, without a slash at the end."""
        return f"http://{self.host}:{self.port}/flow"

    @property
    def referral_url(self) -> str:
        """Where the Referral Partner API lives, without a slash at the end."""
        return f"http://{self.host}:{self.port}/referral"
