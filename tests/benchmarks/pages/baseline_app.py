"""A Streamlit app with the elements of the product's pages, and nothing behind them.

No store, no service, no cache: what it costs is what Streamlit itself costs. ``OUTLINES`` in the
environment names the file that ``outline`` noted the elements in.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

OUTLINES: dict[str, list[dict[str, Any]]] = json.loads(Path(os.environ["OUTLINES"]).read_text())
numbers = count()


DRAW: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "metric": lambda e, key: st.metric(e["label"], e["value"], border=True),
    "text_input": lambda e, key: st.text_input(e["label"], key=key),
    "toggle": lambda e, key: st.toggle(e["label"], key=key),
    "button": lambda e, key: st.button(e["label"], key=key),
    "selectbox": lambda e, key: st.selectbox(e["label"], e["options"], key=key),
    "multiselect": lambda e, key: st.multiselect(e["label"], e["options"], key=key),
    "button_group": lambda e, key: st.pills(e["label"], e["options"], key=key),
    "download_button": lambda e, key: st.download_button(
        e["label"], b"", key=key, on_click="ignore"
    ),
    "page_link": lambda e, key: st.page_link(pages[0], label=e["label"]),
    "color_picker": lambda e, key: st.color_picker(e["label"], e["value"], key=key),
    "plotly_chart": lambda e, key: st.plotly_chart(go.Figure(layout=e["layout"]), key=key),
    "dataframe": lambda e, key: st.dataframe(pd.DataFrame(columns=e["columns"]), hide_index=True),
    "table": lambda e, key: st.table({"": [""] * e["rows"]}),
    "pagination": lambda e, key: st.pagination(e["pages"], key=key),
}


def draw(element: dict[str, Any]) -> None:
    """Draw one noted element; what is not above is a text."""
    kind = element["kind"]
    if kind in DRAW:
        DRAW[kind](element, f"element{next(numbers)}")
    else:
        getattr(st, kind)(element["text"])


def show(name: str) -> None:
    for element in OUTLINES[name]:
        draw(element)


st.set_page_config(page_title="Baseline", layout="wide")
pages = [
    st.Page(partial(show, name), title=name.title(), url_path=name, default=name == "overview")
    for name in OUTLINES
]
st.navigation(pages).run()
