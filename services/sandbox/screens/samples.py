"""Made-up facts to draw a screen with where there is no client."""

from typing import Any

from services.sandbox.screens.rendering import Screen

_COMPANY = "Harbour Lane Bakery Ltd"
_SIGNING: dict[str, Any] = {
    "company": _COMPANY,
    "signer": "Ada Holm",
    "code": "123456",
    "typed": {"agreed": "", "code": ""},
    "errors": {},
}
_FACTS: dict[Screen, dict[str, Any]] = {
    Screen.COMPANY_DETAILS: {
        "values": {
            "name": _COMPANY,
            "registration_number": "DK12345678",
            "address": "Harbour Lane 7",
            "zip_code": "2100",
            "city": "Copenhagen",
            "country": "Denmark",
            "email": "office@harbour-lane.example",
        },
        "countries": ["Denmark", "Germany", "Sweden"],
        "errors": {},
    },
    Screen.USERS: {
        "users": [
            {"field": "user_0", "name": "Ada Holm", "email": "ada@harbour-lane.example"},
            {"field": "user_1", "name": "Ben Oak", "email": "ben@harbour-lane.example"},
        ],
        "errors": {},
        "back_url": "#",
    },
    Screen.AGREEMENT: {**_SIGNING, "back_url": "#"},
    Screen.DONE: {"company": _COMPANY, "next_agency": None, "next_url": None},
    Screen.CONTRACT_UPGRADE: _SIGNING,
    Screen.POWER_OF_ATTORNEY: {**_SIGNING, "agency": "Nordlys Inkasso A/S"},
    Screen.LINK_REQUEST: {
        "company": _COMPANY,
        "expires": "27 March 2026, 12:00 UTC",
        "cases": 2,
        "error": None,
    },
    Screen.DECIDED: {
        "company": _COMPANY,
        "outcome": "approved",
        "decided": "20 March 2026, 12:00 UTC",
    },
    Screen.UNKNOWN_LINK: {},
    Screen.SESSION_EXPIRED: {},
}


def sample_facts(screen: Screen | str) -> dict[str, Any]:
    """The facts of a screen, made up; raises ValueError for a screen that does not exist."""
    return dict(_FACTS[Screen(screen)])
