"""Money stays exact, in each currency's own minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.money import Money, as_wire_text, from_minor, minor_digits, to_minor, usd

CURRENCIES = {"JPY": 0, "EUR": 2, "RSD": 2, "USD": 2, "KWD": 3}
currencies = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(("currency", "digits"), sorted(CURRENCIES.items()))
def test_a_currency_has_the_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    assert minor_digits(currency.lower()) == digits


@pytest.mark.parametrize("currency", ["XAU", "ZZZ", "", None, "euros", "€"])
def test_what_iso_4217_gives_no_minor_unit_counts_as_two_digits(currency: str | None) -> None:
    assert minor_digits(currency) == 2


@given(minors, currencies)
def test_minor_units_come_back_as_they_went(minor: int, currency: str) -> None:
    amount = from_minor(minor, currency)
    assert to_minor(amount, currency) == minor
    assert -amount.as_tuple().exponent == CURRENCIES[currency]


@given(currencies, st.data())
def test_the_sum_of_minor_units_is_the_exact_sum_of_the_amounts(
    currency: str, data: st.DataObject
) -> None:
    cents = st.decimals(
        min_value=-(10**9), max_value=10**9, places=CURRENCIES[currency], allow_nan=False
    )
    amounts = data.draw(st.lists(cents, max_size=40))
    total = sum(to_minor(amount, currency) or 0 for amount in amounts)
    assert from_minor(total, currency) == sum(amounts, Decimal(0))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0.005", "EUR", 1),
        ("-0.005", "EUR", -1),
        ("0.0049", "EUR", 0),
        ("1234.5", "JPY", 1235),
        ("1.0005", "KWD", 1001),
        ("1E+2", "EUR", 10000),
    ],
)
def test_halves_of_a_minor_unit_are_rounded_away_from_zero(
    amount: str, currency: str, minor: int
) -> None:
    assert to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    "amount",
    [None, *(Decimal(text) for text in ("NaN", "Infinity", "-Infinity"))],
)
def test_what_is_no_number_is_not_told(amount: Decimal | None) -> None:
    assert to_minor(amount, "EUR") is None


@pytest.mark.parametrize("text", ["1E+400", "-1E+30", "1E+999999", "92233720368547758.08"])
def test_an_amount_beyond_all_bounds_is_not_told(text: str) -> None:
    """The store keeps 64 bits; a slip of the source must not stop a whole scan."""
    assert to_minor(Decimal(text), "EUR") is None


def test_the_largest_amount_that_the_store_takes_is_kept() -> None:
    assert to_minor(Decimal("92233720368547758.07"), "EUR") == 2**63 - 1


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "EUR", "1234.50"),
        ("1234", "KWD", "1234.000"),
        ("1234", "JPY", "1234"),
        ("0.125", "USD", "0.125"),
        ("1E+3", "JPY", "1000"),
        ("0", "KWD", "0.000"),
        ("-3", None, "-3.00"),
    ],
)
def test_wire_text_has_the_decimals_of_its_currency_and_loses_none(
    amount: str, currency: str | None, text: str
) -> None:
    assert as_wire_text(Decimal(amount), currency) == text


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=5, allow_nan=False), currencies)
def test_wire_text_is_the_same_number(amount: Decimal, currency: str) -> None:
    text = as_wire_text(amount, currency)
    assert Decimal(text) == amount
    assert "E" not in text


@given(currencies, minors, minors)
def test_money_of_one_currency_adds_up(currency: str, first: int, second: int) -> None:
    assert Money(currency, first) + Money(currency, second) == Money(currency, first + second)


def test_money_of_two_currencies_is_not_added() -> None:
    with pytest.raises(ValueError, match="USD and EUR cannot be added"):
        usd(1) + Money("EUR", 1)


def test_an_amount_shows_all_decimals_of_its_currency() -> None:
    assert str(usd(150).amount) == "1.50"
    assert str(Money("KWD", 1).amount) == "0.001"
    assert str(Money("JPY", 12).amount) == "12"
