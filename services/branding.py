"""The partner's branding: what its clients see, and whether they can read it."""

import re
from dataclasses import dataclass
from math import floor
from typing import Any
from urllib.parse import urlsplit

from services.store import Store, activity

DEFAULT_BACKGROUND = "#ffffff"
DEFAULT_FONT_COLOR = "#222222"
DEFAULT_FONT = "sans-serif"
AA_NORMAL_TEXT = 4.5
AA_LARGE_TEXT = 3.0

_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_PLAIN_ADDRESS = re.compile(r'[^\s"<>\\^`{|}]+')
_FONT_NAME = re.compile(r"[A-Za-z0-9 _-]{1,60}")


@dataclass(frozen=True)
class Branding:
    """Colours as ``#rrggbb``, a font list of plain names, and a logo address that is safe to show.

    The values come from outside as free text; here they are only what they claim to be, and
    ``problems`` names in plain words what was not.
    """

    company_name: str
    logo_url: str | None
    background: str
    font_color: str
    font_family: str
    problems: tuple[str, ...]

    @property
    def contrast(self) -> float:
        """Contrast of text on background by WCAG 2.2, 1 to 21."""
        return contrast_ratio(self.font_color, self.background)

    @property
    def verdict(self) -> str:
        """One line: can the clients read it?"""
        # Rounded down: 4.48 must not be told as the 4.5 that it misses.
        told = f"{floor(round(self.contrast, 6) * 10) / 10:.1f} : 1"
        if self.contrast >= AA_NORMAL_TEXT:
            return f"Readable: text on background has a contrast of {told} (AA asks for 4.5)."
        if self.contrast >= AA_LARGE_TEXT:
            return f"Hard to read: a contrast of {told} is enough for large text only."
        return f"Not readable: a contrast of {told} is below what large text needs (3)."


def current(store: Store) -> Branding | None:
    """The branding as Debitura has it; None before the first sync."""
    with store.read() as session:
        partner = activity.partner(session)
    if partner is None:
        return None
    return from_values(
        company_name=partner.company_name,
        logo_url=_text(partner.raw, "logoUrl"),
        background=_text(partner.raw, "backgroundColorCode"),
        font_color=_text(partner.raw, "fontColor"),
        font_family=_text(partner.raw, "fontFamily"),
    )


def from_values(
    *,
    company_name: str | None,
    logo_url: str | None,
    background: str | None,
    font_color: str | None,
    font_family: str | None,
) -> Branding:
    """Branding from free text; what cannot be used is replaced and named in ``problems``."""
    problems: list[str] = []

    def use(what: str, usable: str | None, given: str | None, fallback: str) -> str:
        if usable is None:
            problems.append(f"{what} cannot be used" if given else f"{what} is not set")
        return usable or fallback

    logo = safe_logo_url(logo_url)
    if logo is None:
        problems.append("The logo is not an https address" if logo_url else "The logo is not set")
    return Branding(
        company_name=company_name or "Your company",
        logo_url=logo,
        background=use("The background", hex_color(background), background, DEFAULT_BACKGROUND),
        font_color=use("The font colour", hex_color(font_color), font_color, DEFAULT_FONT_COLOR),
        font_family=use("The font", safe_font(font_family), font_family, DEFAULT_FONT),
        problems=tuple(problems),
    )


def hex_color(value: str | None) -> str | None:
    """``#rrggbb`` for a colour given as three or six hexadecimal digits, else None."""
    found = _HEX_COLOR.fullmatch((value or "").strip())
    if not found:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def safe_font(value: str | None) -> str | None:
    """A CSS font list of quoted plain names, or None where any name holds anything else."""
    names = [name.strip().strip("\"'").strip() for name in (value or "").split(",")]
    if not all(_FONT_NAME.fullmatch(name) for name in names):
        return None
    generic = {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui"}
    return ", ".join(name if name in generic else f'"{name}"' for name in names)


def safe_logo_url(value: str | None) -> str | None:
    """The address of a logo that a browser may load: https, with a host, without a login.

    Nor does it hold signs that end an attribute or cannot be seen.
    """
    address = (value or "").strip()
    if not (_PLAIN_ADDRESS.fullmatch(address) and address.isprintable()):
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return None
    return parts.geturl() if usable else None


def contrast_ratio(first: str, second: str) -> float:
    """Contrast of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _text(raw: dict[str, Any], name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) else None
