"""The plotly charts, drawn alike on every page."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard.components import colors, formats
from services.cases import LifecycleCount
from services.domain.money import usd
from services.domain.revenue_stage import RevenueStage
from services.onboarding import FunnelStep, StageNow
from services.revenue import StageTotal

_CONFIG = {"displayModeBar": False, "responsive": True}
_BAR_HEIGHT = 44
_MARGINS = {"l": 8, "r": 8, "t": 8, "b": 8}


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a chart that only informs."""
    st.plotly_chart(figure, key=key, alt=alt, config=_CONFIG)


def show_to_pick(figure: go.Figure, *, key: str, alt: str, into: str, several: bool) -> None:
    """Draw a chart whose marks can be clicked.

    A click sets the filter whose key is ``into`` to the mark's name, so that the choice is in
    the address, can be made by keyboard, and outlives the next change of the data.
    """
    st.plotly_chart(
        figure,
        key=key,
        alt=alt,
        config=_CONFIG,
        on_select=partial(_take_pick, key, into, several),
        selection_mode="points",
    )


def _take_pick(key: str, into: str, several: bool) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        name = _name_of(points[0])
        st.session_state[into] = [name] if several else name


def _name_of(point: Mapping[str, Any]) -> str:
    told = point["customdata"]
    return str(told[0] if isinstance(told, list) else told)


def onboarding_funnel(steps: Sequence[FunnelStep]) -> go.Figure:
    """How many clients came how far; the share is of all."""
    texts = [
        f"<b>{formats.count(step.clients)}</b>"
        + ("" if step.share is None else f"  {formats.percent(step.share)}")
        for step in steps
    ]
    figure = go.Figure(
        go.Funnel(
            y=[step.milestone.label for step in steps],
            x=[step.clients for step in steps],
            text=texts,
            textinfo="text",
            textposition="auto",
            customdata=[step.milestone.label for step in steps],
            marker={"color": [colors.MILESTONE[step.milestone] for step in steps]},
            connector={"visible": False},
            hovertemplate="%{y}: %{x} clients<extra></extra>",
        )
    )
    return _laid_out(figure, rows=len(steps))


def stages_now(stages: Sequence[StageNow]) -> go.Figure:
    """Clients per present stage, each with how long they have been there."""
    figure = go.Figure(
        go.Bar(
            y=[now.stage.label for now in stages],
            x=[now.clients for now in stages],
            orientation="h",
            text=[_stage_text(now) for now in stages],
            textposition="outside",
            cliponaxis=False,
            customdata=[now.stage.label for now in stages],
            marker={"color": [colors.ONBOARDING[now.stage] for now in stages]},
            hovertext=[f"since when is known of {now.lasted.known_of:,}" for now in stages],
            hovertemplate="%{y}: %{x} clients<br>%{hovertext}<extra></extra>",
        )
    )
    most = max((now.clients for now in stages), default=0)
    figure.update_yaxes(autorange="reversed")
    # Room for the text beside the longest bar.
    figure.update_xaxes(title="Clients", range=[0, max(most, 1) * 1.6])
    return _laid_out(figure, rows=len(stages))


def _stage_text(now: StageNow) -> str:
    number = f"<b>{formats.count(now.clients)}</b>"
    days = now.lasted.days
    return number if days is None else f"{number}  {days:,.0f} days"


def case_pipeline(steps: Sequence[LifecycleCount]) -> go.Figure:
    """Cases per lifecycle, in the order in which cases pass through them."""
    figure = go.Figure(
        go.Bar(
            y=[escape(step.label) for step in steps],
            x=[step.cases for step in steps],
            orientation="h",
            text=[formats.count(step.cases) for step in steps],
            textposition="outside",
            cliponaxis=False,
            customdata=[step.label for step in steps],
            marker={"color": [colors.LIFECYCLE_GROUP[step.group] for step in steps]},
            hovertext=[f"{step.group}; next: {step.next_actor}" for step in steps],
            hovertemplate="%{y}: %{x} cases<br>%{hovertext}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Cases")
    return _laid_out(figure, rows=len(steps))


def revenue_funnel(stages: Sequence[StageTotal]) -> go.Figure:
    """The four stages, each made of its buckets, in US dollars."""
    figure = go.Figure()
    for total in stages:
        for part in total.buckets:
            figure.add_bar(
                y=[total.stage.label],
                x=[float(part.fee.amount)],
                orientation="h",
                name=part.bucket.label,
                text=f"{part.bucket.label}<br>{formats.usd(part.fee)}",
                textposition="inside",
                insidetextanchor="start",
                textangle=0,
                customdata=[part.bucket.label],
                marker={"color": colors.BUCKET[part.bucket], "line": {"width": 1}},
                hovertemplate=(
                    f"{part.bucket.label}: {formats.usd(part.fee)}"
                    f"<br>{part.transactions:,} transactions<extra></extra>"
                ),
            )
    # What does not fit into its bar is left out here and stands in the table beside.
    figure.update_layout(
        barmode="stack", showlegend=False, uniformtext={"minsize": 10, "mode": "hide"}
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Referral fees, USD", tickprefix="$")
    return _laid_out(figure, rows=len(stages) + 3)


def monthly_fees(months: Mapping[date, Mapping[RevenueStage, object]]) -> go.Figure:
    """Fees by month of collection, stacked by stage, in US dollars."""
    figure = go.Figure()
    for stage in RevenueStage:
        amounts = [fees.get(stage, usd(0)) for fees in months.values()]
        figure.add_bar(
            x=list(months),
            y=[float(amount.amount) for amount in amounts],  # type: ignore[attr-defined]
            name=stage.label,
            marker={"color": colors.REVENUE[stage]},
            hovertemplate="%{x|%b %Y}: $%{y:,.2f}<extra>" + stage.label + "</extra>",
        )
    figure.update_layout(
        barmode="stack",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    figure.update_xaxes(
        title="Month of collection", dtick="M3" if len(months) > 8 else "M1", tickformat="%b %Y"
    )
    figure.update_yaxes(title="Referral fees, USD", tickprefix="$")
    return _laid_out(figure, rows=7)


def _laid_out(figure: go.Figure, *, rows: int) -> go.Figure:
    figure.update_layout(height=max(rows, 2) * _BAR_HEIGHT + 40, margin=_MARGINS, bargap=0.25)
    figure.update_yaxes(automargin=True)
    figure.update_xaxes(automargin=True)
    return figure
