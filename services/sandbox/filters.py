"""What the lists of the Referral Partner API can be narrowed to; a filter is its own cache key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.sandbox.errors import InvalidRequest
from services.sandbox.model import Case, Client, Transaction
from services.sandbox.query import Query
from services.sandbox.records import Records
from services.sandbox.revenue import BUCKETS, is_recognized
from services.sandbox.vocabulary import (
    COMMISSION_STATUSES,
    PLATFORM_STATUSES,
    REFERRAL_STATUSES,
    lifecycle_name,
)


@dataclass(frozen=True, slots=True)
class Period:
    """Inclusive bounds; None is open."""

    earliest: datetime | None
    latest: datetime | None

    def holds(self, time: datetime) -> bool:
        """Whether a time is within the bounds."""
        return (self.earliest is None or time >= self.earliest) and (
            self.latest is None or time <= self.latest
        )


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """GET /clients."""

    text: str
    tenant_id: str | None
    attributed: bool | None
    done: bool | None
    linked: Period

    @classmethod
    def read(cls, query: Query) -> Self:
        """The filter of a query; faults stay with the query."""
        return cls(
            text=(query.text("Query") or "").casefold(),
            tenant_id=query.text("ExternalTenantId"),
            attributed=query.boolean("IsAttributedClient"),
            done=query.boolean("OnboardingDone"),
            linked=Period(query.earliest("DateCreatedFrom"), query.latest("DateCreatedTo")),
        )

    def matches(self, client: Client) -> bool:
        """Whether a client is in the list."""
        return (
            (self.tenant_id is None or client.tenant_id == self.tenant_id)
            and (self.attributed is None or client.attributed is self.attributed)
            and (self.done is None or client.signed is self.done)
            and self.linked.holds(client.linked)
            and _holds(self.text, client.name, client.email, client.registration_number)
        )


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """GET /cases."""

    text: str
    tenant_id: str | None
    statuses: frozenset[str]
    countries: frozenset[int]
    agencies: frozenset[str]
    created: Period

    @classmethod
    def read(cls, query: Query) -> Self:
        """The filter of a query; faults stay with the query."""
        return cls(
            text=(query.text("Query") or "").casefold(),
            tenant_id=query.text("ExternalTenantId"),
            statuses=frozenset(query.values("Statuses", lifecycle_name)),
            countries=frozenset(query.integers("CountryIds")),
            agencies=frozenset(query.ids("CollectionPartnerIds")),
            created=Period(query.earliest("FromDate"), query.latest("ToDate")),
        )

    def matches(self, case: Case) -> bool:
        """Whether a case is in the list."""
        return (
            (self.tenant_id is None or case.tenant_id == self.tenant_id)
            and (not self.statuses or case.lifecycle in self.statuses)
            and (not self.countries or case.country_id in self.countries)
            and (not self.agencies or case.agency_id in self.agencies)
            and self.created.holds(case.created)
            and _holds(self.text, case.reference, case.creditor_reference, case.debtor_name)
        )


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """GET /reporting/transactions. ``stages`` narrows the rows but not the summary, so it is not
    part of ``matches``."""

    text: str
    tenant_id: str | None
    recognized: bool | None
    commission: frozenset[str]
    platform: frozenset[str]
    referral: frozenset[str]
    stages: frozenset[int]
    countries: frozenset[int]
    agencies: frozenset[str]
    collected: Period

    @classmethod
    def read(cls, query: Query) -> Self:
        """The filter of a query; faults stay with the query.

        Raises InvalidRequest for a search of one character.
        """
        text = (query.text("Search") or "").casefold()
        if len(text) == 1:
            raise InvalidRequest("Search: needs at least 2 characters")
        return cls(
            text=text,
            tenant_id=query.text("ExternalTenantId"),
            recognized=query.boolean("HasRecognizedRevenue"),
            commission=_names(query, "CommissionPaymentStatuses", COMMISSION_STATUSES),
            platform=_names(query, "PlatformInvoicingStatuses", PLATFORM_STATUSES),
            referral=_names(query, "ReferralInvoicingStatuses", REFERRAL_STATUSES),
            stages=frozenset(query.enums("RevenueStages", BUCKETS)),
            countries=frozenset(query.integers("CountryIds")),
            agencies=frozenset(query.ids("CollectionPartnerIds")),
            collected=Period(query.earliest("FromDate"), query.latest("ToDate")),
        )

    def matches(self, row: Transaction, records: Records) -> bool:
        """Whether a transaction counts in the summary."""
        return (
            (self.tenant_id is None or row.tenant_id == self.tenant_id)
            and (self.recognized is None or is_recognized(row) is self.recognized)
            and (not self.commission or row.commission_status in self.commission)
            and (not self.platform or row.platform_status in self.platform)
            and (not self.referral or (row.referral_status or "Pending") in self.referral)
            and self.collected.holds(row.date)
            and self._case_matches(row, records)
        )

    def _case_matches(self, row: Transaction, records: Records) -> bool:
        if not (self.countries or self.agencies or self.text):
            return True
        case, client = records.case(row.case_id), records.client(row.tenant_id)
        if case is None or client is None:
            return False
        return (
            (not self.countries or case.country_id in self.countries)
            and (not self.agencies or case.agency_id in self.agencies)
            and _holds(self.text, case.reference, client.name)
        )


def _holds(text: str, *fields: str | None) -> bool:
    return not text or any(text in field.casefold() for field in fields if field)


def _names(query: Query, name: str, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names[number] for number in query.enums(name, names))
