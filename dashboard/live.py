"""Drawing an open page anew when something happened, but never under somebody's hands."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

AT_LEAST_S = 2.0
"""Between two drawings of a page: in a burst of changes it is to be read, and not to flicker."""
_HELD = "live_held"
_DRAWN_AT = "live_drawn_at"

Asked = ParamSpec("Asked")


def begin() -> None:
    """Note, as the first thing of each run of the whole script, that the page is drawn now."""
    st.session_state[_HELD] = False
    st.session_state[_DRAWN_AT] = time.monotonic()


def redraw() -> None:
    """In a fragment: draw the page anew, unless a dialog is open or it was drawn just now.

    A dialog is taken away and put back when its page is drawn anew, and what is being typed in it
    is lost. What was left out is drawn once it is closed.
    """
    drawn_ago_s = time.monotonic() - st.session_state[_DRAWN_AT]
    if not st.session_state[_HELD] and drawn_ago_s >= AT_LEAST_S:
        st.rerun()


def dialog(title: str, **options: Any) -> Callable[[Callable[Asked, None]], Callable[Asked, None]]:
    """``st.dialog`` that holds its page still while it is open."""

    def decorate(body: Callable[Asked, None]) -> Callable[Asked, None]:
        @wraps(body)
        def held(*args: Asked.args, **kwargs: Asked.kwargs) -> None:
            st.session_state[_HELD] = True
            body(*args, **kwargs)

        opened: Callable[Asked, None] = st.dialog(title, **options)(held)
        return opened

    return decorate
