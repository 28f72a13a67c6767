"""Exact money: whole numbers of a currency's minor unit, never binary floats."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import iso4217

DEFAULT_MINOR_DIGITS = 2
LARGEST_MINOR = 2**63 - 1  # what a column of the store holds
MOST_DIGITS = 20  # a longer amount is beyond it in any currency


@cache
def minor_digits(currency: str | None) -> int:
    """Digits behind the point that ISO 4217 gives a currency: JPY 0, EUR 2, KWD 3.

    A code that ISO 4217 does not know, or that has no minor unit there (XAU), counts as 2.
    """
    try:
        exponent = iso4217.Currency((currency or "").upper()).exponent
    except ValueError:
        return DEFAULT_MINOR_DIGITS
    return DEFAULT_MINOR_DIGITS if exponent is None else exponent


def to_minor(amount: Decimal | None, currency: str | None) -> int | None:
    """Whole minor units of ``amount``, halves rounded away from zero; None stays None.

    What is no number, or too large for any real amount, counts as not told: None.
    """
    if amount is None or not amount.is_finite() or amount.adjusted() > MOST_DIGITS:
        return None
    scaled = amount.scaleb(minor_digits(currency))
    minor = int(scaled)
    if minor != scaled:
        minor = int(scaled.to_integral_value(rounding=ROUND_HALF_UP))
    return minor if abs(minor) <= LARGEST_MINOR else None


def from_minor(minor: int, currency: str | None) -> Decimal:
    """The amount that ``minor`` units make, with all of the currency's decimals."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def as_wire_text(amount: Decimal, currency: str | None) -> str:
    """A decimal string with the currency's decimals: ``1234.5`` EUR is ``1234.50``.

    Digits beyond the minor unit are kept, so that nothing that the source said is lost.
    """
    exact = from_minor(to_minor(amount, currency) or 0, currency)
    return str(exact) if exact == amount else format(amount, "f")


@dataclass(frozen=True, order=True)
class Money:
    """An amount in minor units of its currency; adds only to its own kind."""

    currency: str
    minor: int

    @property
    def amount(self) -> Decimal:
        return from_minor(self.minor, self.currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added.")
        return Money(self.currency, self.minor + other.minor)


def told(minor: int | None, currency: str | None) -> Money | None:
    """The amount, or None where the source did not tell it: unknown is not nothing."""
    return None if minor is None else Money(currency or "", minor)


def usd(minor: int) -> Money:
    """US dollars from cents."""
    return Money("USD", minor)
