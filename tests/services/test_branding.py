"""Branding comes from outside as free text; here it is only what it claims to be."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import branding
from services.branding import Branding, contrast_ratio, from_values, hex_color
from services.store import Store
from tests.filling import tell_partner


def of(**changes: str | None) -> Branding:
    usual: dict[str, Any] = {
        "company_name": "Platform",
        "logo_url": "https://cdn.example/logo.png",
        "background": "#0a1b2c",
        "font_color": "fff",
        "font_family": "Open Sans, sans-serif",
    }
    return from_values(**{**usual, **changes})


def test_plain_values_are_used_as_they_are() -> None:
    told = of()
    assert told.background == "#0a1b2c"
    assert told.font_color == "#ffffff"
    assert told.font_family == '"Open Sans", sans-serif'
    assert told.logo_url == "https://cdn.example/logo.png"
    assert told.problems == ()


HOSTILE_COLORS = [
    "red;background:url(https://evil.example)",
    "#fff;}</style><script>alert(1)</script>",
    "expression(alert(1))",
    "url(javascript:alert(1))",
    "rgb(0,0,0)",
    "var(--x)",
    "#12345",
    "#1234567",
    "#gggggg",
    "#fff\n}",
    "#fff\u0000",
    "\uff03\uff46\uff46\uff46",
    "#١٢٣",
    "red",
]
HOSTILE_FONTS = [
    "Arial; background: url(https://evil.example)",
    "url(https://evil.example/font.woff)",
    "@import 'https://evil.example'",
    "Arial</style><script>",
    'Arial"><img src=x>',
    "Arial', serif; }",
    "expression(alert(1))",
    "Arial\\3b color:red",
    "Arial/**/",
    "Arial\n}",
    "Arial\u0000",
    "Ünicode",
    "a" * 61,
    ",",
    "Arial,",
]
HOSTILE_LOGOS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "http://cdn.example/logo.png",
    "//cdn.example/logo.png",
    "/logo.png",
    "https:///logo.png",
    "https://",
    "https://user:secret@cdn.example/logo.png",
    "https://cdn.example@evil.example/logo.png",
    "https://[broken",
    "file:///etc/passwd",
    "blob:https://x.example/1",
    "https://cdn.example/a b.png",
    'https://cdn.example/" onerror="alert(1)',
    "https://cdn.example/x.png\u0000",
    "https://cdn.example/'><script>",
    "logo",
]


@pytest.mark.parametrize("value", HOSTILE_COLORS)
def test_what_is_no_hex_colour_is_replaced_and_told(value: str) -> None:
    told = of(background=value, font_color=value)
    assert (told.background, told.font_color) == (
        branding.DEFAULT_BACKGROUND,
        branding.DEFAULT_FONT_COLOR,
    )
    assert told.problems == ("The background cannot be used", "The font colour cannot be used")


@pytest.mark.parametrize("value", HOSTILE_FONTS)
def test_what_is_no_list_of_plain_names_is_no_font(value: str) -> None:
    told = of(font_family=value)
    assert told.font_family == branding.DEFAULT_FONT
    assert told.problems == ("The font cannot be used",)


@pytest.mark.parametrize("value", HOSTILE_LOGOS)
def test_only_a_plain_https_address_is_a_logo(value: str) -> None:
    told = of(logo_url=value)
    assert told.logo_url is None
    assert told.problems == ("The logo is not an https address",)


@pytest.mark.parametrize("blank", [None, ""])
def test_what_is_not_set_is_told_as_that(blank: str | None) -> None:
    told = of(
        company_name=blank, logo_url=blank, background=blank, font_color=blank, font_family=blank
    )
    assert len(told.problems) == 4
    assert all(problem.endswith("is not set") for problem in told.problems)
    assert told.company_name == "Your company"
    assert told.logo_url is None


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_comes_in_only_harmless_css_and_addresses_come_out(
    logo: str, background: str, color: str, font: str
) -> None:
    told = of(logo_url=logo, background=background, font_color=color, font_family=font)
    assert re.fullmatch(r"#[0-9a-f]{6}", told.background)
    assert re.fullmatch(r"#[0-9a-f]{6}", told.font_color)
    assert re.fullmatch(r'[A-Za-z0-9 _",-]+', told.font_family)
    assert told.logo_url is None or re.fullmatch(r'https://[^\s"<>\\]+', told.logo_url)
    assert 1.0 <= told.contrast <= 21.0


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.0),
        ("#949494", "#ffffff", 3.03),
    ],
)
def test_contrast_is_that_of_wcag_whichever_comes_first(
    first: str, second: str, ratio: float
) -> None:
    assert contrast_ratio(first, second) == pytest.approx(ratio, abs=0.005)
    assert contrast_ratio(second, first) == contrast_ratio(first, second)


@pytest.mark.parametrize(
    ("color", "verdict"),
    [("#767676", "Readable"), ("#777777", "Hard to read"), ("#bbbbbb", "Not readable")],
)
def test_the_verdict_goes_by_aa(color: str, verdict: str) -> None:
    assert of(background="#ffffff", font_color=color).verdict.startswith(f"{verdict}: ")


def test_a_verdict_never_shows_a_figure_that_contradicts_it() -> None:
    """4.48 rounds to 4.5, which would be enough."""
    assert "4.5 : 1" not in of(background="#ffffff", font_color="#777777").verdict


@pytest.mark.parametrize(
    ("given", "used"), [("ABC", "#aabbcc"), (" #A1B2C3 ", "#a1b2c3"), ("#000", "#000000")]
)
def test_short_and_bare_colours_are_written_out(given: str, used: str) -> None:
    assert hex_color(given) == used


def test_before_the_first_sync_there_is_no_branding(store: Store) -> None:
    assert branding.current(store) is None


def test_the_partners_own_values_are_read_and_other_kinds_left_out(store: Store) -> None:
    tell_partner(
        store, companyName="Platform", backgroundColorCode="#123456", fontColor=7, logoUrl=["x"]
    )
    told = branding.current(store)
    assert told is not None
    assert (told.company_name, told.background) == ("Platform", "#123456")
    assert told.font_color == branding.DEFAULT_FONT_COLOR
    assert told.logo_url is None
