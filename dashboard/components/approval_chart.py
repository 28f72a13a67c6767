"""How long approvals take, drawn day by day."""

from collections.abc import Mapping

import plotly.graph_objects as go

from dashboard.components import colors, formats
from services.domain.onboarding_stage import OnboardingStage

_HEIGHT = 210


def approvals(by_day: Mapping[str, int]) -> go.Figure:
    """A column for each day after the asking, as high as approvals came on it."""
    figure = go.Figure(
        go.Bar(
            x=list(by_day),
            y=list(by_day.values()),
            text=[formats.count(number) if number else "" for number in by_day.values()],
            textposition="outside",
            cliponaxis=False,
            customdata=list(by_day),
            marker={"color": colors.ONBOARDING[OnboardingStage.LINK_REQUESTED]},
            hovertemplate="%{x}: %{y} approvals<extra></extra>",
        )
    )
    figure.update_layout(height=_HEIGHT, margin={"l": 8, "r": 8, "t": 20, "b": 8}, bargap=0.25)
    figure.update_xaxes(title="Day after the asking", type="category", automargin=True)
    figure.update_yaxes(title="Approvals", automargin=True, rangemode="tozero", dtick=None)
    return figure
