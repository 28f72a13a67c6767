"""What every endpoint of one sandbox shares."""

from dataclasses import dataclass, field

from starlette.requests import Request

from services.sandbox.idempotency import Idempotency
from services.sandbox.listing import ListCache
from services.sandbox.model import Case, Client, Transaction
from services.sandbox.options import SandboxOptions
from services.sandbox.rate_limit import RateLimiter
from services.sandbox.tokens import TokenMint
from services.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One world and the machinery in front of it."""

    world: World
    options: SandboxOptions
    tokens: TokenMint
    limiter: RateLimiter
    idempotency: Idempotency = field(default_factory=Idempotency)
    client_lists: ListCache[Client] = field(default_factory=ListCache)
    case_lists: ListCache[Case] = field(default_factory=ListCache)
    transaction_lists: ListCache[Transaction] = field(default_factory=ListCache)

    def link_url(self, path: str) -> str:
        """The address of a page of the web flow."""
        return f"{self.options.flow_url}/{path}"


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that answers a request."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox
