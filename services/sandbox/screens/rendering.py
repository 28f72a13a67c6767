"""Screens as HTML documents."""

from enum import StrEnum
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.sandbox.screens.branding import Branding, look_of, web_address

_TEMPLATES = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_RULES = _TEMPLATES.get_template("style.css").render()


class Screen(StrEnum):
    """What a client can be shown; each has a template of its name.

    ``sample_facts`` shows the facts that each needs.
    """

    COMPANY_DETAILS = "company_details"
    USERS = "users"
    AGREEMENT = "agreement"
    DONE = "done"
    CONTRACT_UPGRADE = "contract_upgrade"
    POWER_OF_ATTORNEY = "power_of_attorney"
    LINK_REQUEST = "link_request"
    DECIDED = "decided"
    UNKNOWN_LINK = "unknown_link"
    SESSION_EXPIRED = "session_expired"


def render(
    screen: Screen | str, branding: Branding, *, return_url: str | None = None, **facts: Any
) -> str:
    """A whole HTML document, without scripts; the same arguments give the same text.

    Branding, return URL and facts may be anything: they are escaped, or left out where they are
    not what they claim to be. Raises ValueError for a screen that does not exist and
    jinja2.UndefinedError for a fact that is missing.
    """
    return _TEMPLATES.get_template(f"{Screen(screen)}.html").render(
        **facts,
        look=look_of(branding),
        return_url=web_address(return_url),
        style=Markup(stylesheet(branding)),  # noqa: S704 - checked values and our own rules only
    )


def stylesheet(branding: Branding) -> str:
    """All that stands in a screen's style element, by whose hash a policy may allow it."""
    look = look_of(branding)
    values = {
        "--brand-background": look.background,
        "--brand-text": look.text,
        "--ink": look.ink,
        "--font": look.font,
    }
    declarations = "".join(f"{name}:{value};" for name, value in values.items())
    return f":root{{{declarations}}}\n{_RULES}"
