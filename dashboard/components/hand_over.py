"""A link to hand over: to copy, what to say with it, to whom it went, and noting that it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from dashboard import data, live
from dashboard.components import formats
from services import hand_overs
from services.hand_overs import HandOver, HandOverRefused, Way
from services.store import StoreError

KEYS = "hand_over_"
"""What the keys of all that is kept here begin with, for ``page.begin``."""
_WANTED = f"{KEYS}wanted"
_WAYS = {way.label: way for way in Way}


@dataclass(frozen=True)
class Wanted:
    """What the dialog was asked to hand over."""

    tenant_id: str
    name: str
    url: str | None
    sentence: str | None


def ask(tenant_id: str, *, name: str, url: str | None, sentence: str | None = None) -> None:
    """Remember what is to be handed over: dialogs open in the run, not in a click."""
    forget()
    st.session_state[_WANTED] = Wanted(tenant_id, name, url, sentence)


def forget() -> None:
    """Close the dialog, and forget what was filled in; for ``on_dismiss`` of any dialog."""
    for key in [key for key in st.session_state if str(key).startswith(KEYS)]:
        del st.session_state[key]


def show_asked() -> None:
    """Open the dialog where one was asked for; once at the end of a page."""
    wanted = st.session_state.get(_WANTED)
    if wanted is not None:
        _dialog(wanted)


@live.dialog("Hand over", width="medium", icon=":material/forward_to_inbox:", on_dismiss=forget)
def _dialog(wanted: Wanted) -> None:
    show(
        tenant_id=wanted.tenant_id,
        name=wanted.name,
        url=wanted.url,
        sentence=wanted.sentence,
        key="dialog",
    )


def show(
    *, tenant_id: str, name: str, url: str | None, key: str, sentence: str | None = None
) -> None:
    """Draw the link to copy, the ``sentence`` for the client, who had it, and the form.

    It draws alike on a page and in a dialog. ``key`` tells its form from others on the page.
    """
    st.markdown(f"**{formats.plain(name)}**")
    if sentence:
        st.caption("To say with it")
        st.markdown(formats.plain(sentence))
    if url:
        st.caption("Link to hand over")
        st.code(url, language=None, wrap_lines=True)
        st.caption("Debitura sends no email: hand the link over yourself, then note it below.")
    else:
        st.caption("There is no link to hand over now.")
    show_past(data.ask_now(hand_overs.of_client, tenant_id))
    _form(tenant_id, url, f"{KEYS}{key}")


def show_past(past: Sequence[HandOver]) -> None:
    """Draw what was handed over, newest first; say so where nothing was."""
    if not past:
        st.caption("No hand-over was noted yet.")
        return
    st.table(
        {
            "Handed over": [formats.exact(each.handed_over_at) for each in past],
            "To": [formats.plain(each.to_whom) for each in past],
            "How": [formats.plain(each.how) for each in past],
            "Noted by": [formats.plain(each.noted_by) for each in past],
        },
        hide_index=True,
        border="horizontal",
    )


def told(last: HandOver | None) -> str | None:
    """``3 Mar 2026 to Anna`` for a table; None where nothing was handed over."""
    return None if last is None else f"{formats.day(last.handed_over_at)} to {last.to_whom}"


def _form(tenant_id: str, url: str | None, key: str) -> None:
    st.session_state.setdefault(f"{key}_at", _local(data.now()))
    with st.form(f"{key}_form", border=True):
        st.text_input(
            "Handed over to",
            key=f"{key}_to",
            max_chars=hand_overs.LONGEST_NAME,
            placeholder="Name of the person at the client",
        )
        with st.container(horizontal=True):
            st.datetime_input(
                "When",
                key=f"{key}_at",
                step=timedelta(minutes=5),
                format="DD/MM/YYYY",
                help="By your own clock.",
            )
            st.selectbox("How", list(_WAYS), key=f"{key}_how")
        st.form_submit_button(
            "Note the hand-over", type="primary", on_click=_note, args=(tenant_id, url, key)
        )
    _show_outcome(key)


def _note(tenant_id: str, url: str | None, key: str) -> None:
    """Keep what the form says; where it is refused, the form stays as it was filled."""
    state = st.session_state
    try:
        hand_overs.note(
            data.backend().store,
            tenant_id,
            url=url,
            at=_as_moment(state[f"{key}_at"]),
            to_whom=state[f"{key}_to"] or "",
            how=_WAYS[state[f"{key}_how"]],
            actor=data.ACTOR,
            now=data.now(),
        )
    except (HandOverRefused, StoreError) as error:
        state[f"{key}_refused"] = str(error)
        return
    state.pop(f"{key}_refused", None)
    state[f"{key}_noted"] = state[f"{key}_to"]
    state[f"{key}_to"] = ""


def _show_outcome(key: str) -> None:
    refused, noted = (st.session_state.get(f"{key}_{end}") for end in ("refused", "noted"))
    if refused:
        st.error(formats.plain(refused), icon=":material/error:")
    elif noted:
        st.success(f"Noted that {formats.plain(noted)} has the link.", icon=":material/check:")


def _local(moment: datetime) -> datetime:
    """A moment as the form shows it: in the reader's zone, which it does not name."""
    return moment.astimezone(formats.reader_zone()).replace(second=0, microsecond=0, tzinfo=None)


def _as_moment(shown: datetime | None) -> datetime:
    if shown is None:
        return data.now()
    return shown.replace(tzinfo=formats.reader_zone())
