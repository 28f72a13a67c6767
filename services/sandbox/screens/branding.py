"""A partner's branding: free text from outside, and what of it a screen may use."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_NAME = "Your software provider"
DEFAULT_BACKGROUND = "#ffffff"
DEFAULT_TEXT = "#1d2733"
DEFAULT_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
CARD = "#ffffff"
AA_CONTRAST = 4.5

GENERIC_FONTS = ("serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
NAMED_COLORS = {
    "aqua": "#00ffff",
    "black": "#000000",
    "blue": "#0000ff",
    "fuchsia": "#ff00ff",
    "gray": "#808080",
    "green": "#008000",
    "grey": "#808080",
    "lime": "#00ff00",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "orange": "#ffa500",
    "purple": "#800080",
    "red": "#ff0000",
    "silver": "#c0c0c0",
    "teal": "#008080",
    "white": "#ffffff",
    "yellow": "#ffff00",
}
_HEX_COLOR = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})")
_RGB_COLOR = re.compile(r"rgb\( *([0-9]{1,3}) *, *([0-9]{1,3}) *, *([0-9]{1,3}) *\)")
_FONT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,59}")
_IMAGE_DATA = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")
_PLAIN_ADDRESS = re.compile(r'[^\s"\'<>\\^`{|}]+')


@dataclass(frozen=True, slots=True)
class Branding:
    """What a partner wishes its screens to look like. Nothing in it is trusted."""

    company_name: str | None = None
    logo_url: str | None = None
    background: str | None = None
    font_color: str | None = None
    font_family: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a screen uses: colours as ``#rrggbb``, a CSS font list, an address of a picture.

    ``ink`` is for text on the white card: the font colour where it can be read there.
    """

    company_name: str
    logo_url: str | None
    background: str
    text: str
    ink: str
    font: str


def look_of(branding: Branding) -> Look:
    """The usable part of a branding; each value that is not what it claims has its default."""
    text = color(branding.font_color) or DEFAULT_TEXT
    return Look(
        company_name=(branding.company_name or "").strip() or DEFAULT_NAME,
        logo_url=logo_address(branding.logo_url),
        background=color(branding.background) or DEFAULT_BACKGROUND,
        text=text,
        ink=text if contrast(text, CARD) >= AA_CONTRAST else DEFAULT_TEXT,
        font=font_list(branding.font_family) or DEFAULT_FONT,
    )


def color(value: str | None) -> str | None:
    """``#rrggbb`` for hexadecimal digits, ``rgb(…)`` or one of the plain names, else None."""
    text = (value or "").strip().lower()
    if found := _HEX_COLOR.fullmatch(text):
        digits = found[1]
        return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))
    if found := _RGB_COLOR.fullmatch(text):
        channels = [int(channel) for channel in found.groups()]
        return "#" + bytes(channels).hex() if max(channels) <= 255 else None
    return NAMED_COLORS.get(text)


def font_list(value: str | None) -> str | None:
    """A CSS font list of plain names that ends in a generic one; None when a name is not plain."""
    names = [name.strip().strip("\"'").strip() for name in (value or "").split(",")]
    if not all(_FONT_NAME.fullmatch(name) for name in names):
        return None
    fonts = [name if name in GENERIC_FONTS else f'"{name}"' for name in names]
    return ", ".join(fonts if names[-1] in GENERIC_FONTS else [*fonts, "sans-serif"])


def logo_address(value: str | None) -> str | None:
    """An address that a picture may come from: https, this machine, or PNG and JPEG as data."""
    text = (value or "").strip()
    if _IMAGE_DATA.fullmatch(text):
        return text
    address = web_address(text)
    if address is None:
        return None
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS
    return address if is_safe else None


def web_address(value: str | None) -> str | None:
    """An absolute http or https address without a login in it, else None."""
    text = value or ""
    if not (_PLAIN_ADDRESS.fullmatch(text) and text.isprintable()):
        return None
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return text if known and parts.username is None else None


def contrast(first: str, second: str) -> float:
    """Contrast of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(value: str) -> float:
    channels = (byte / 255 for byte in bytes.fromhex(value[1:]))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
