"""Exact amounts: whole minor units of a currency, and US cents."""

CURRENCY_DIGITS = {"EUR": 2, "USD": 2, "GBP": 2, "DKK": 2, "SEK": 2, "JPY": 0, "KWD": 3}

# What one major unit is worth, in millionths of a US dollar.
USD_MICROS = {
    "EUR": 1_084_000,
    "USD": 1_000_000,
    "GBP": 1_271_000,
    "DKK": 145_300,
    "SEK": 94_600,
    "JPY": 6_690,
    "KWD": 3_256_000,
}

PLATFORM_SHARE_BPS = 4000


def rounded_ratio(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` to the nearest whole number, halves upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def share(amount: int, basis_points: int) -> int:
    """``amount`` times a percentage given in basis points (2,050 = 20.5 %), rounded."""
    return rounded_ratio(amount * basis_points, 10_000)


def usd_cents(amount: int, currency: str) -> int:
    """Minor units of ``currency`` in US cents, rounded."""
    factor: int = 10 ** CURRENCY_DIGITS[currency]
    return rounded_ratio(amount * USD_MICROS[currency], 10_000 * factor)


def to_wire(amount: int, currency: str) -> int | float:
    """Minor units as the JSON number of major units; whole numbers stay whole."""
    return _decimal_number(amount, CURRENCY_DIGITS[currency])


def cents_to_wire(cents: int) -> int | float:
    """US cents as the JSON number of dollars."""
    return _decimal_number(cents, 2)


def percent_to_wire(basis_points: int) -> int | float:
    """Basis points as the JSON number of per cent (2,050 = 20.5)."""
    return _decimal_number(basis_points, 2)


def from_wire(amount: float, currency: str) -> int:
    """Major units as received, in minor units; digits beyond the currency's own are rounded."""
    factor: int = 10 ** CURRENCY_DIGITS[currency]
    return round(amount * factor)


def _decimal_number(amount: int, digits: int) -> int | float:
    factor: int = 10**digits
    return amount // factor if amount % factor == 0 else amount / factor
