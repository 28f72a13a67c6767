"""Revenue: at which stage is our money, what may we invoice, does it agree with Debitura?"""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import charts, filters, formats, page, table
from services import revenue
from services.activity import Scope
from services.revenue import (
    Bucket,
    BucketTotal,
    Reconciliation,
    StageTotal,
    TransactionFilter,
    TransactionSummary,
)

MODES = {
    "PayWhenPaid": "A fee may be invoiced once the collection partner has paid Debitura.",
    "ConfirmedPipeline": "A fee may be invoiced once the collection partner's commission is paid.",
}

moment = data.this_minute()

COLUMNS: tuple[table.Column[TransactionSummary], ...] = (
    table.moment("Collected", lambda t: t.collected_at, sort="collected_at"),
    table.text("Client", lambda t: t.client_name, sort="client_name"),
    table.text("Case", lambda t: t.case_reference, sort="case_reference"),
    table.text("Debtor", lambda t: t.debtor_name, shown=False),
    table.amount("Paid by debtor", lambda t: t.payment, sort="payment"),
    table.amount("Fee", lambda t: t.fee, sort="fee"),
    table.amount("Fee in USD", lambda t: t.fee_usd, sort="fee_usd"),
    table.text("Estimate", lambda t: "estimate" if t.is_estimate else ""),
    table.text("Stage", lambda t: t.bucket.stage.label if t.bucket.stage else "In no total"),
    table.text("Bucket", lambda t: t.bucket.label, sort="bucket"),
    table.moment("Bucket since", lambda t: t.bucket_since, shown=False),
    table.text("Transaction id", lambda t: t.id, shown=False),
)


def wanted_transactions() -> TransactionFilter:
    """What the filter row asks for; every figure on the page obeys it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Client, case or debtor", key="revenue_q")
        collected = filters.period("Collected", key="revenue_period")
        currencies = filters.several(
            "Currency", data.ask(revenue.currencies), key="revenue_currency"
        )
        late = filters.switch(
            "Late only",
            key="revenue_late",
            told="The collection partner should have paid Debitura by now.",
        )
    wanted = TransactionFilter(
        text=text,
        currencies=currencies,
        collected_from=collected.start,
        collected_before=collected.end,
    )
    return revenue.only_late(wanted, now=data.this_hour()) if late else wanted


def show_stages(stages: list[StageTotal], totals: dict[Bucket, BucketTotal]) -> None:
    """The four stages in numbers, and what is in none of them."""
    with st.grid(4, min_column_width=150):
        for total in stages:
            st.metric(
                total.stage.label,
                formats.usd(total.fee),
                border=True,
                help=f"{total.transactions:,} transactions, in US dollars.",
            )
    apart = (totals[Bucket.DISPUTED], totals[Bucket.CREDITED])
    told = "; ".join(
        f"{total.bucket.label}: {formats.usd(total.fee)} in {total.transactions:,}"
        for total in apart
    )
    mode = MODES.get(data.ask(revenue.invoicing_mode) or "", "")
    st.caption(formats.plain(f"In no total: {told}. {mode}"))


def show_funnel(stages: list[StageTotal]) -> None:
    st.subheader("Where the fees are")
    charts.show_to_pick(
        charts.revenue_funnel(stages),
        key="revenue_funnel",
        alt="; ".join(f"{total.stage.label}: {formats.usd(total.fee)}" for total in stages),
        into="revenue_bucket",
        several=True,
    )
    st.caption("A click on a part shows its transactions in the table below.")


def show_buckets(totals: dict[Bucket, BucketTotal]) -> None:
    """The seven buckets, and what is in none of them, in rows and dollars."""
    shown = list(totals.values())
    st.dataframe(
        {
            "Bucket": [total.bucket.label for total in shown],
            "Rows": [total.transactions for total in shown],
            "Fees": [formats.usd(total.fee) for total in shown],
        },
        column_config={"Fees": st.column_config.TextColumn(alignment="right")},
        hide_index=True,
        alt="Transactions and referral fees in each bucket",
    )


def show_months(wanted: TransactionFilter) -> None:
    months = data.ask(revenue.monthly_fees, wanted)
    st.subheader("By month of collection")
    charts.show(
        charts.monthly_fees(months),
        key="revenue_months",
        alt=f"Referral fees by month of collection and stage over {len(months)} months",
    )


def show_agreement(found: Reconciliation | None) -> None:
    """Whether our sums are Debitura's."""
    st.subheader("Does it agree with Debitura?")
    st.caption("All transactions, whatever is filtered above.")
    if found is None:
        st.info("Known after the first complete sync.", icon=":material/hourglass_top:")
        return
    if found.not_told:
        names = ", ".join(bucket.label for bucket in found.not_told)
        st.warning(
            f"Debitura's summary does not tell: {names}. They could not be compared.",
            icon=":material/difference:",
        )
    if not found.differences:
        st.success(
            f"{found.compared} of 7 buckets agree to the cent, as of {formats.exact(found.as_of)}.",
            icon=":material/verified:",
        )
        return
    st.warning(
        "These buckets differ from Debitura's own summary. A change during the sync may be the "
        "reason; the next sync reads everything again.",
        icon=":material/difference:",
    )
    st.dataframe(
        {
            "Bucket": [each.bucket.label for each in found.differences],
            "Ours": [formats.usd(each.ours.fee) for each in found.differences],
            "Debitura's": [formats.usd(each.theirs.fee) for each in found.differences],
            "Our rows": [each.ours.transactions for each in found.differences],
            "Debitura's rows": [each.theirs.transactions for each in found.differences],
        },
        hide_index=True,
        alt="Buckets in which our sums and Debitura's differ",
    )


def narrow_to_buckets(wanted: TransactionFilter) -> TransactionFilter:
    """The table's own filter, within what the page shows."""
    labels = {bucket.label: bucket for bucket in Bucket}
    chosen = filters.several_of("Bucket", labels, key="revenue_bucket")
    return revenue.only_buckets(wanted, chosen)


def open_client(transaction: TransactionSummary) -> None:
    if transaction.tenant_id is not None:
        navigation.open_client(transaction.tenant_id)


page.begin(
    "Revenue",
    "At which stage are the fees, what may be invoiced, and does it add up?",
    needs=(Scope.PARTNER, Scope.TRANSACTIONS),
    keys=("revenue_",),
)
wanted = wanted_transactions()
totals = data.ask(revenue.bucket_totals, wanted)
stages = revenue.stage_totals(totals)
show_stages(stages, totals)
left, right = st.columns([3, 2])
with left:
    show_funnel(stages)
with right:
    st.subheader("By bucket")
    show_buckets(totals)
show_months(wanted)
show_agreement(data.ask(revenue.reconciliation))
st.subheader("Transactions")
narrowed = narrow_to_buckets(wanted)
table.show(
    revenue.list_transactions,
    narrowed,
    COLUMNS,
    key="revenue",
    what="transactions",
    sort="collected_at",
    descending=True,
    actions=[table.RowAction("Open", open_client)],
    empty="No transaction fits these filters. Clear one to see more.",
)
