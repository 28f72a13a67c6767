"""Bearer tokens: minted once, reused, renewed, and dead links."""

import threading
import time as real_time

import pytest
from wire_fakes import CASE, NEW_CASE, FakeTime, customer, referral, reply

from services.debitura import ApiUnavailable, DeadLink, NotFound, TokenProvider, UnexpectedAnswer
from services.debitura.schemas import AccessToken


class Mint:
    def __init__(self, expires_in: int | None = 1_800) -> None:
        self.asked: list[str] = []
        self.expires_in = expires_in

    def __call__(self, tenant_id: str) -> AccessToken:
        self.asked.append(tenant_id)
        token = f"token-{len(self.asked)}"
        return AccessToken.model_validate({"accessToken": token, "expiresIn": self.expires_in})


def test_a_token_is_reused_until_shortly_before_it_ends() -> None:
    time, mint = FakeTime(), Mint()
    tokens = TokenProvider(mint, clock=time.clock())
    assert [tokens.token("acme"), tokens.token("acme")] == ["token-1", "token-1"]
    time.now += 1_679
    assert tokens.token("acme") == "token-1"
    time.now += 1
    assert tokens.token("acme") == "token-2"


def test_each_client_has_its_own_token_by_exact_id() -> None:
    mint = Mint()
    tokens = TokenProvider(mint)
    assert len({tokens.token("acme"), tokens.token("ACME"), tokens.token("acme ")}) == 3
    assert mint.asked == ["acme", "ACME", "acme "]


@pytest.mark.parametrize(
    ("expires_in", "lasts"), [(None, 1_680), (0, 1_680), (-5, 1_680), (100, 50)]
)
def test_an_odd_life_is_handled(expires_in: int | None, lasts: int) -> None:
    time, mint = FakeTime(), Mint(expires_in)
    tokens = TokenProvider(mint, clock=time.clock())
    tokens.token("acme")
    time.now += lasts - 1
    tokens.token("acme")
    assert len(mint.asked) == 1
    time.now += 1
    tokens.token("acme")
    assert len(mint.asked) == 2


def test_threads_mint_once() -> None:
    asked: list[str] = []

    def slow(tenant_id: str) -> AccessToken:
        asked.append(tenant_id)
        real_time.sleep(0.02)
        return AccessToken.model_validate({"accessToken": "jwt"})

    tokens = TokenProvider(slow)
    threads = [threading.Thread(target=tokens.token, args=("acme",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == ["acme"]


def test_only_the_refused_token_is_forgotten() -> None:
    mint = Mint()
    tokens = TokenProvider(mint)
    tokens.token("acme")
    tokens.forget("acme", "an older one")
    assert tokens.token("acme") == "token-1"
    tokens.forget("acme", "token-1")
    assert tokens.token("acme") == "token-2"


def test_a_refused_token_is_minted_once_more() -> None:
    client, wire = customer(reply(401), reply(200, CASE))
    assert client.case("c1").id == "c1"
    sent = [request.headers["Authorization"] for request in wire.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]


def test_a_write_goes_out_again_after_a_refused_token() -> None:
    client, wire = customer(reply(401), reply(200, CASE))
    client.create_case(NEW_CASE)
    assert wire.requests[0].content == wire.requests[1].content


def test_a_second_401_is_a_dead_link() -> None:
    client, wire = customer(reply(401))
    with pytest.raises(DeadLink) as raised:
        client.case("c1")
    assert (raised.value.status, raised.value.path) == (401, "/cases/{id}")
    assert "token-" not in str(raised.value) + repr(raised.value)
    assert len(wire.requests) == 2


def test_no_token_is_a_dead_link() -> None:
    api, _ = referral(reply(404, {"message": "no active link for acme"}))
    with pytest.raises(DeadLink) as raised:
        TokenProvider(api.create_token).token("acme")
    assert (raised.value.method, raised.value.path) == ("POST", "/oauth/token")
    assert "acme" not in str(raised.value)


def test_a_missing_case_is_no_dead_link() -> None:
    client, _ = customer(reply(404))
    with pytest.raises(NotFound):
        client.case("c1")


def test_an_outage_while_minting_is_an_outage() -> None:
    api, _ = referral(reply(503))
    with pytest.raises(ApiUnavailable):
        TokenProvider(api.create_token).token("acme")


@pytest.mark.parametrize("answer", [{}, {"accessToken": None}, {"accessToken": ""}])
def test_an_answer_without_a_token_is_unexpected(answer: object) -> None:
    api, _ = referral(reply(200, answer))
    with pytest.raises(UnexpectedAnswer):
        TokenProvider(api.create_token).token("acme")


def test_a_token_is_not_shown() -> None:
    assert "jwt" not in repr(AccessToken.model_validate({"accessToken": "jwt"}))
