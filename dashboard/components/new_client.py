"""Adding a client: the form, and what Debitura's answer means for what to do next."""

import streamlit as st

from dashboard import data, live
from dashboard.components import formats, hand_over
from services import link_requests, new_clients
from services.debitura import ClientOnboarding, CreateClientResult, DebituraError, LinkRequested
from services.settings import SettingsError
from services.store import StoreError

KEYS = "new_client_"
_OPEN = f"{KEYS}open"
_ANSWER = f"{KEYS}answer"
_REFUSED = f"{KEYS}refused"
_FIELDS = {
    "name": "Company name",
    "tenant_id": "Your own id of the client (tenant id)",
    "support_email": "Email of the company",
    "registration_number": "Registration number (if known)",
    "user_name": "Contact who signs: name",
    "user_email": "Contact who signs: email",
}


def button() -> None:
    """The way to the form."""
    st.button("Add a client", icon=":material/person_add:", key=f"{KEYS}button", on_click=_ask)


def show_asked() -> None:
    """Open the form where it was asked for; once at the end of a page."""
    if st.session_state.get(_OPEN):
        _dialog()


def _ask() -> None:
    _forget()
    st.session_state[_OPEN] = True


def _forget() -> None:
    hand_over.forget()
    for key in [key for key in st.session_state if str(key).startswith(KEYS)]:
        del st.session_state[key]


@live.dialog("Add a client", width="medium", icon=":material/person_add:", on_dismiss=_forget)
def _dialog() -> None:
    answer = st.session_state.get(_ANSWER)
    if answer is None:
        _form()
    else:
        _next_step(*answer)


def _form() -> None:
    st.caption(
        "Debitura is asked to link the company to you. Where it has an account there already, its "
        "owner has to approve that. No email is sent: you hand the link over."
    )
    with st.form(f"{KEYS}form", border=False):
        for field, label in _FIELDS.items():
            st.text_input(label, key=KEYS + field, max_chars=255)
        st.selectbox(
            "Country", new_clients.countries(), index=None, key=f"{KEYS}country", placeholder=""
        )
        st.form_submit_button("Send to Debitura", type="primary", on_click=_send)
    refused = st.session_state.get(_REFUSED)
    if refused:
        st.error(formats.plain(refused), icon=":material/error:")


def _send() -> None:
    """Send what the form says; where it is refused, the form stays as it was filled."""
    told = {field: st.session_state.get(KEYS + field) or "" for field in (*_FIELDS, "country")}
    st.session_state.pop(_REFUSED, None)
    backend = data.backend()
    try:
        with data.debitura() as api:
            new_client = new_clients.from_form(told)
            result = link_requests.ask_for_link(
                backend.store,
                api,
                new_client,
                actor=data.ACTOR,
                now=data.now(),
                ttl=backend.settings.approval_ttl,
            )
    except (new_clients.FormIncomplete, DebituraError, SettingsError, StoreError) as error:
        st.session_state[_REFUSED] = str(error)
    else:
        st.session_state[_ANSWER] = (new_client.tenant_id, new_client.client.name, result)


def _next_step(tenant_id: str, name: str, result: CreateClientResult) -> None:
    st.info(
        formats.plain(link_requests.outcome_sentence(result)), icon=":material/mark_email_read:"
    )
    if isinstance(result, LinkRequested | ClientOnboarding):
        hand_over.show(tenant_id=tenant_id, name=name, url=result.url, key="new_client")
