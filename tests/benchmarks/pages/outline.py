"""What a page of the product consists of, without its data.

The product's page is drawn once without a browser; each of its elements is noted with what its
reader sees of its shape: a widget with its options, a chart with its layout, a table with its
columns. ``baseline_app`` draws the same again.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[3] / "dashboard" / "app.py"

Outline = list[dict[str, Any]]


def of_page(page: str, parameters: dict[str, str]) -> Outline:
    """The elements of one of the product's pages, from top to bottom."""
    app = AppTest.from_file(APP, default_timeout=60)
    if page:
        app.switch_page(f"views/{page}.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return [noted for node in _elements(app.main) if (noted := _note(node))]


def _elements(node: Any) -> list[Any]:
    children = getattr(node, "children", None)
    if children is None:
        return [node]
    return [found for child in children.values() for found in _elements(child)]


def _note(node: Any) -> dict[str, Any] | None:
    shape = _SHAPES.get(node.type)
    return None if shape is None else {"kind": node.type, **shape(node)}


def _text(node: Any) -> dict[str, Any]:
    return {"text": node.value}


def _label(node: Any) -> dict[str, Any]:
    return {"label": node.proto.label}


def _options(node: Any) -> dict[str, Any]:
    return {"label": node.proto.label, "options": list(node.options)}


_SHAPES: dict[str, Callable[[Any], dict[str, Any]]] = {
    **dict.fromkeys(("title", "header", "subheader", "caption", "markdown", "code"), _text),
    **dict.fromkeys(("info", "success", "warning", "html"), _text),
    **dict.fromkeys(("text_input", "toggle", "button", "download_button", "page_link"), _label),
    **dict.fromkeys(("selectbox", "multiselect", "button_group"), _options),
    "metric": lambda node: {"label": node.label, "value": node.value},
    "color_picker": lambda node: {"label": node.label, "value": node.value},
    "plotly_chart": lambda node: {"layout": json.loads(node.proto.spec)["layout"]},
    "dataframe": lambda node: {"columns": [str(name) for name in node.value.columns]},
    "table": lambda node: {"rows": len(node.value)},
    "pagination": lambda node: {"pages": node.num_pages},
}
