"""What a form says of a new client, as Debitura is sent it."""

import pytest

from services import new_clients
from services.new_clients import FormIncomplete, from_form

FILLED = {
    "name": "  Nordlys ApS ",
    "tenant_id": "org-7",
    "country": "Denmark",
    "support_email": "office@nordlys.example",
    "registration_number": "",
    "user_name": "Ada Owner",
    "user_email": "ada@nordlys.example",
}


def test_a_filled_form_is_a_client_with_one_who_signs() -> None:
    assert from_form(FILLED).body() == {
        "externalTenantId": "org-7",
        "client": {
            "name": "Nordlys ApS",
            "country": "Denmark",
            "supportEmail": "office@nordlys.example",
        },
        "users": [{"name": "Ada Owner", "email": "ada@nordlys.example", "isOnboardingUser": True}],
    }


@pytest.mark.parametrize("field", [field for field in FILLED if field != "registration_number"])
def test_what_is_missing_is_named(field: str) -> None:
    with pytest.raises(FormIncomplete, match="Still missing: "):
        from_form({**FILLED, field: "   "})


@pytest.mark.parametrize("email", ["ada", "ada@", "@nordlys.example", "a b@x.example", "ada@local"])
def test_what_is_no_email_address_is_named(email: str) -> None:
    with pytest.raises(FormIncomplete, match="is not an email address"):
        from_form({**FILLED, "user_email": email})


def test_countries_are_named_as_debitura_takes_them() -> None:
    named = new_clients.countries()
    assert {"Denmark", "Kosovo", "Qatar", "United States"} <= set(named)
    assert not {"European Union", "Unknown Region", "Pseudo-Accents"} & set(named)
