"""The table of every list: paged, sorted and exported by the store, not by the screen."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.components import formats
from services import exports
from services.domain.money import Money
from services.exports import ExportFormat
from services.store import Page, Store, Window
from services.store.paging import ALL_ROWS

Row = TypeVar("Row")
Wanted = TypeVar("Wanted")

ROWS_A_PAGE = 25
MOMENT = "D MMM YYYY, HH:mm"
_ACTIONS = "actions"
_MIME = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: what it shows of a row, and how.

    ``sort`` is the name the store sorts by. An amount is shown with its currency and exported as
    a number beside it.
    """

    label: str
    value: Callable[[Row], Any]
    sort: str | None = None
    shown: bool = True
    config: Callable[..., Any] = st.column_config.TextColumn
    options: tuple[tuple[str, Any], ...] = ()
    is_amount: bool = False


def text(label: str, value: Callable[[Row], Any], **named: Any) -> Column[Row]:
    return Column(label, value, **named)


def number(label: str, value: Callable[[Row], Any], **named: Any) -> Column[Row]:
    return Column(label, value, config=st.column_config.NumberColumn, **named)


def amount(label: str, value: Callable[[Row], Money | None], **named: Any) -> Column[Row]:
    return Column(label, value, options=(("alignment", "right"),), is_amount=True, **named)


def day(label: str, value: Callable[[Row], datetime | None], **named: Any) -> Column[Row]:
    """A date without a time of day, the same in every zone."""
    return Column(
        label,
        lambda row: None if (told := value(row)) is None else told.astimezone(UTC).date(),
        config=st.column_config.DateColumn,
        options=(("format", "D MMM YYYY"),),
        **named,
    )


def moment(label: str, value: Callable[[Row], datetime | None], **named: Any) -> Column[Row]:
    return Column(
        label,
        value,
        config=st.column_config.DatetimeColumn,
        options=(("format", MOMENT),),
        **named,
    )


@dataclass(frozen=True)
class RowAction(Generic[Row]):
    """Something that can be done with a row, and what doing it does.

    ``offered`` says for which rows.
    """

    label: str
    act: Callable[[Row], None]
    offered: Callable[[Row], bool] = lambda _row: True


def show(
    question: Callable[[Store, Wanted, Window], Page[Row]],
    wanted: Wanted,
    columns: Sequence[Column[Row]],
    *,
    key: str,
    what: str,
    sort: str,
    descending: bool = False,
    actions: Sequence[RowAction[Row]] = (),
    empty: str,
    kept: bool = True,
) -> None:
    """Draw the rows that ``question`` answers, with order, columns, export and pages.

    ``key`` names it in the address, ``what`` names its rows in the plural, ``empty`` says what to
    do when there is none. Answers are ``kept`` until the store's revision rises; not so for rows
    that change without it.
    """
    ask = data.ask if kept else data.ask_now
    first = ask(question, wanted, Window(1, ROWS_A_PAGE, sort, descending))
    if not first.total:
        st.info(empty, icon=":material/inbox:")
        return
    pages = -(-first.total // ROWS_A_PAGE)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by, down = _order(columns, key, sort, descending)
        shown = _choice(columns, key)
        # Asked past the cache: a whole list is read once and would crowd out the pages.
        everything = Window(size=ALL_ROWS.size, sort=by, descending=down)
        all_rows = partial(question, data.backend().store, wanted, everything)
        _exports(all_rows, columns, key, what)
    number = _page_number(f"{key}_page", pages, asked=(wanted, by, down))
    window = Window(number, ROWS_A_PAGE, by, down)
    page = ask(question, wanted, window)
    _body(page, shown, key, what, actions)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{formats.count(page.total)} {what}")
        if pages > 1:
            st.pagination(pages, key=f"{key}_page", bind="query-params")


def _order(
    columns: Sequence[Column[Row]], key: str, sort: str, descending: bool
) -> tuple[str, bool]:
    orders = {
        f"{column.label} {arrow}": (column.sort, falling)
        for column in columns
        if column.sort
        for arrow, falling in (("↑", False), ("↓", True))
    }
    default = list(orders.values()).index((sort, descending))
    chosen = st.selectbox(
        "Sort by",
        list(orders),
        index=default,
        key=f"{key}_sort",
        bind="query-params",
        width=220,
    )
    return orders.get(chosen, (sort, descending))


def _choice(columns: Sequence[Column[Row]], key: str) -> list[Column[Row]]:
    labels = [column.label for column in columns]
    with st.popover("Columns", icon=":material/view_column:"):
        chosen = st.pills(
            "Columns shown",
            labels,
            selection_mode="multi",
            default=[column.label for column in columns if column.shown],
            key=f"{key}_columns",
            persist_state="session",
        )
    return [column for column in columns if column.label in chosen] or list(columns[:1])


def _page_number(key: str, pages: int, *, asked: object) -> int:
    """The page to show; other rows or another order begin at the first page again."""
    asked_before = st.session_state.get(f"{key}_of")
    st.session_state[f"{key}_of"] = asked
    if asked_before is not None and asked_before != asked:
        st.session_state[key] = 1
    try:
        number = int(st.session_state.get(key) or st.query_params[key])
    except (KeyError, ValueError):
        return 1
    return number if 1 <= number <= pages else 1


def _exports(
    all_rows: Callable[[], Page[Row]], columns: Sequence[Column[Row]], key: str, what: str
) -> None:
    for file_format, mime in _MIME.items():
        st.download_button(
            file_format.upper(),
            data=partial(_file, all_rows, columns, file_format),
            file_name=f"{what.replace(' ', '-')}.{file_format}",
            mime=mime,
            key=f"{key}_{file_format}",
            on_click="ignore",
            icon=":material/download:",
            help=f"All {what} that the filters leave, as {file_format.upper()}.",
        )


def _file(
    all_rows: Callable[[], Page[Row]], columns: Sequence[Column[Row]], file_format: ExportFormat
) -> bytes:
    return exports.as_bytes(_records(all_rows(), columns), file_format)


def _records(page: Page[Row], columns: Sequence[Column[Row]]) -> Iterator[exports.Record]:
    for row in page.rows:
        record: exports.Record = {}
        for column in columns:
            value = column.value(row)
            if column.is_amount:
                record[column.label] = None if value is None else value.amount
                record[f"{column.label}, currency"] = None if value is None else value.currency
            else:
                record[column.label] = value
        yield record


def _body(
    page: Page[Row],
    columns: Sequence[Column[Row]],
    key: str,
    what: str,
    actions: Sequence[RowAction[Row]],
) -> None:
    frame = pd.DataFrame(
        {c.label: [cell(c.value(row)) for row in page.rows] for c in columns}, dtype=object
    )
    config = {c.label: c.config(c.label, **dict(c.options)) for c in columns}
    if actions:
        frame.insert(0, _ACTIONS, _offered(page.rows, actions))
        config[_ACTIONS] = st.column_config.ButtonColumn(
            "",
            key=f"{key}_clicked",
            type="tertiary",
            on_click=_clicked,
            args=(f"{key}_clicked", page.rows, actions),
            width="small",
            pinned=True,
        )
    st.dataframe(
        frame,
        column_config=config,
        hide_index=True,
        height="content",
        placeholder=formats.NOTHING,
        alt=f"{what[:1].upper()}{what[1:]}, {len(page.rows)} of {page.total}",
    )


def _offered(
    rows: Sequence[Row], actions: Sequence[RowAction[Row]]
) -> list[str | None] | list[list[str]]:
    """Per row what can be done with it: a button, or a menu where any row has several."""
    # Buttons and menus in one column would be drawn as neither.
    labels = [[action.label for action in actions if action.offered(row)] for row in rows]
    if any(len(offered) > 1 for offered in labels):
        return labels
    return [offered[0] if offered else None for offered in labels]


def _clicked(key: str, rows: Sequence[Row], actions: Sequence[RowAction[Row]]) -> None:
    click = st.session_state.get(key)
    if click is None:
        return
    row = rows[click.row]
    for action in actions:
        if action.label == click.label and action.offered(row):
            action.act(row)


def cell(value: Any) -> Any:
    """``value`` as a cell holds it: money in words, a moment in the reader's zone."""
    if isinstance(value, Money):
        return formats.money(value)
    if isinstance(value, datetime):
        return value.astimezone(formats.reader_zone())
    return value
