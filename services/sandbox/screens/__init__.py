"""The white-label screens that a partner's client sees: branding and facts in, HTML out.

``render("done", Branding("Acme", None, "#1f4e5f", "#fff", "Inter"), **sample_facts("done"))``
"""

from services.sandbox.screens.branding import Branding, web_address
from services.sandbox.screens.rendering import Screen, render, stylesheet
from services.sandbox.screens.samples import sample_facts

__all__ = ["Branding", "Screen", "render", "sample_facts", "stylesheet", "web_address"]
