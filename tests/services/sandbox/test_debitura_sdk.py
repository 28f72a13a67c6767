"""Debitura's own SDK works against the sandbox's Customer API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sandbox_running import KEY

from services.sandbox import SandboxOptions, World, serving

sdk = pytest.importorskip("debitura_debt_collection")

OPTIONS = SandboxOptions(clients=30, cases=150, transactions=200)


@dataclass(frozen=True)
class Account:
    """One client of a sandbox that runs, with the SDK's client of its API."""

    world: World
    tenant_id: str
    client: Any

    @property
    def cases(self) -> Any:
        return sdk.CasesApi(self.client)

    @property
    def paid_case(self) -> str:
        """A case of the client on which money came in."""
        return next(
            row.case_id for row in self.world.transactions if row.tenant_id == self.tenant_id
        )


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    world = World.generate(OPTIONS)
    signed = {client.tenant_id for client in world.clients if client.signed}
    tenant_id = next(row.tenant_id for row in world.transactions if row.tenant_id in signed)
    with serving(world, OPTIONS) as url:
        answer = httpx.post(
            f"{url}/referral/oauth/token", headers=KEY, json={"externalTenantId": tenant_id}
        )
        configuration = sdk.Configuration(
            host=f"{url}/customer", access_token=answer.json()["accessToken"]
        )
        with sdk.ApiClient(configuration) as client:
            yield Account(world, tenant_id, client)
            client.rest_client.pool_manager.clear()


def test_it_lists_the_clients_cases(account: Account) -> None:
    listed = account.cases.cases_get(page_size=100)
    own = {str(case.id) for case in account.world.cases_of(account.tenant_id)}
    assert {str(case.id) for case in listed.cases} == own


def test_it_gets_one_case(account: Account) -> None:
    case = account.cases.cases_id_get(account.paid_case)
    ours = account.world.case(account.paid_case)
    assert ours is not None
    assert str(case.id) == ours.id


def test_it_reads_the_timeline(account: Account) -> None:
    timeline = account.cases.cases_id_timeline_get(account.paid_case)
    assert timeline.items


def test_it_reads_the_payments(account: Account) -> None:
    payments = account.cases.cases_id_payments_get(account.paid_case)
    expected = sum(row.case_id == account.paid_case for row in account.world.transactions)
    assert len(payments) == expected


def test_it_reads_the_contract_status(account: Account) -> None:
    assert account.cases.cases_id_contract_status_get(account.paid_case) is not None
    status = sdk.ContractsApi(account.client).contracts_debt_collection_status_get()
    assert status is not None


def test_a_wrong_token_is_refused_by_its_own_kind_of_error(account: Account) -> None:
    host = account.client.configuration.host
    with sdk.ApiClient(sdk.Configuration(host=host, access_token="wrong")) as client:
        with pytest.raises(sdk.ApiException) as refused:
            sdk.CasesApi(client).cases_get()
        client.rest_client.pool_manager.clear()
    assert refused.value.status == 401
