"""The earning payments of a fresh world, and how far each has come on its way to the partner."""

from datetime import datetime, timedelta
from random import Random

from services.sandbox.model import Case, Client, Transaction
from services.sandbox.money import PLATFORM_SHARE_BPS, share, usd_cents
from services.sandbox.seed_cases import Plan
from services.sandbox.seed_clients import new_id
from services.sandbox.vocabulary import PAID

Statuses = tuple[str, str, str | None]

_WAITING: Statuses = ("Unpaid", "NotInvoiced", "Pending")
_CONFIRMED: Statuses = ("Paid", "NotInvoiced", "Pending")
_ISSUED: Statuses = ("Paid", "InvoiceIssued", "Pending")
_ISSUED_UNPAID: Statuses = ("Unpaid", "InvoiceIssued", "Pending")
_READY: Statuses = ("Paid", "PaymentReceived", "Pending")
_READY_UNSET: Statuses = ("Paid", "PaymentReceived", None)
_WAITING_UNSET: Statuses = ("Unpaid", "NotInvoiced", None)
_INVOICED: Statuses = ("Paid", "PaymentReceived", "Invoiced")
_SETTLED: Statuses = ("Paid", "PaymentReceived", "Paid")
_DISPUTED: Statuses = ("Paid", "PaymentReceived", "Disputed")
_CREDITED: Statuses = ("Credited", "InvoiceCredited", "Pending")
_COMMISSION_CREDITED: Statuses = ("Credited", "NotInvoiced", "Pending")

# From the payment's age in days: what it may have come to, and how often. The late ones are those
# that a later step has passed by: bills overdue at the agency, or not yet settled by Debitura.
_BY_AGE: tuple[tuple[float, tuple[tuple[Statuses, float], ...]], ...] = (
    (12, ((_WAITING, 78), (_WAITING_UNSET, 7), (_CONFIRMED, 15))),
    (40, ((_WAITING, 30), (_CONFIRMED, 62), (_ISSUED, 7), (_COMMISSION_CREDITED, 1))),
    (75, ((_ISSUED, 70), (_ISSUED_UNPAID, 10), (_CONFIRMED, 8), (_READY, 11), (_CREDITED, 1))),
    (105, ((_READY, 62), (_READY_UNSET, 8), (_ISSUED, 26), (_INVOICED, 2), (_DISPUTED, 2))),
    (145, ((_INVOICED, 72), (_READY, 20), (_ISSUED, 4), (_CREDITED, 2), (_DISPUTED, 2))),
    (
        10_000,
        ((_SETTLED, 93), (_INVOICED, 3), (_READY, 1), (_ISSUED, 1), (_CREDITED, 1), (_DISPUTED, 1)),
    ),
)
_MUST_EXIST = (
    _SETTLED, _DISPUTED, _CREDITED, _INVOICED, _READY, _ISSUED, _CONFIRMED, _COMMISSION_CREDITED,
    _WAITING_UNSET, _WAITING,
)  # fmt: skip


def seed_transactions(
    random: Random,
    made: list[tuple[Case, Plan]],
    clients: dict[str, Client],
    *,
    count: int,
    until: datetime,
) -> list[Transaction]:
    """``count`` transactions, oldest first, spread over the paying cases; lowers the cases'
    remainders by what was paid."""
    paying = [(case, plan) for case, plan in made if plan.pays]
    transactions = []
    for (case, plan), payments in zip(paying, _spread(random, len(paying), count), strict=True):
        amounts = _amounts(random, case, payments, full=plan.close_code == PAID)
        times = _times(random, case, payments, until)
        fee_bps = clients[case.tenant_id].referral_fee_bps
        for amount, time in zip(amounts, times, strict=True):
            transaction = earn(new_id(random), case, amount, time, fee_bps)
            _set_statuses(transaction, _statuses(random, (until - time).total_seconds() / 86_400))
            transactions.append(transaction)
        case.remainder = case.gross - sum(amounts)
    transactions.sort(key=lambda transaction: transaction.date)
    _ensure_variety(transactions)
    return transactions


def earn(
    transaction_id: str, case: Case, amount: int, when: datetime, referral_fee_bps: int
) -> Transaction:
    """A fresh transaction for money collected on a case, each figure of the fee chain rounded to
    the currency's minor unit and each USD figure to cents."""
    revenue = share(share(amount, case.success_fee_bps), PLATFORM_SHARE_BPS)
    fee = share(revenue, referral_fee_bps)
    return Transaction(
        id=transaction_id,
        case_id=case.id,
        tenant_id=case.tenant_id,
        date=when,
        amount=amount,
        currency=case.currency,
        debitura_revenue=revenue,
        debitura_revenue_cents=usd_cents(revenue, case.currency),
        referral_fee_bps=referral_fee_bps,
        referral_fee=fee,
        referral_fee_cents=usd_cents(fee, case.currency),
    )


def _spread(random: Random, cases: int, count: int) -> list[int]:
    payments = [1] * cases
    if cases:
        for number in random.choices(range(cases), k=count - cases):
            payments[number] += 1
    return payments


def _amounts(random: Random, case: Case, payments: int, *, full: bool) -> list[int]:
    total = case.gross if full else int(case.gross * random.uniform(0.1, 0.85))
    weights = [0.5 + random.random() for _ in range(payments)]
    amounts = [int(total * weight / sum(weights)) for weight in weights]
    amounts[-1] += total - sum(amounts)
    return amounts


def _times(random: Random, case: Case, payments: int, until: datetime) -> list[datetime]:
    start = case.started or case.created
    span = ((case.finished or until) - start).total_seconds()
    offsets = sorted(span * random.uniform(0.08, 0.999) for _ in range(payments))
    return [start + timedelta(seconds=int(offset)) for offset in offsets]


def _statuses(random: Random, age_days: float) -> Statuses:
    for oldest, choices in _BY_AGE:
        if age_days < oldest:
            return random.choices([s for s, _ in choices], [weight for _, weight in choices])[0]
    return _SETTLED


def _set_statuses(transaction: Transaction, statuses: Statuses) -> None:
    transaction.commission_status, transaction.platform_status, transaction.referral_status = (
        statuses
    )


def _ensure_variety(transactions: list[Transaction]) -> None:
    """Small worlds may lack a combination by chance: give it to the payment of a fitting age."""
    present = {(t.commission_status, t.platform_status, t.referral_status) for t in transactions}
    missing = [statuses for statuses in _MUST_EXIST if statuses not in present]
    if len(transactions) < 2 * len(_MUST_EXIST):
        return
    for statuses in missing:
        place = (_MUST_EXIST.index(statuses) + 1) / (len(_MUST_EXIST) + 1)
        _set_statuses(transactions[int(place * len(transactions))], statuses)
