"""A screen of the client's onboarding flow, drawn with a partner's branding."""

from html import escape
from string import Template

import streamlit as st

from services.branding import Branding

_SCREEN = Template("""
<div style="max-width:${width}px;margin:0 auto;border:1px solid #c4ccd8;border-radius:8px;
            overflow:hidden">
  <div style="background:${background};color:${font_color};font-family:${font};padding:16px 20px;
              display:flex;align-items:center;gap:12px;border-bottom:1px solid ${font_color}">
    ${logo}<strong>${company}</strong>
  </div>
  <div style="background:${background};color:${font_color};font-family:${font};padding:20px">
    <p style="font-size:1.15em;margin:0 0 8px;font-weight:600">${title}</p>
    <p style="margin:0 0 16px">${text}</p>
    <div style="border:1px solid ${font_color};padding:10px 16px;border-radius:4px;
                display:inline-block;font-weight:600">${button}</div>
  </div>
</div>
""")
_LOGO = Template(
    '<img src="${url}" alt="${company}" referrerpolicy="no-referrer" '
    'style="max-height:32px;max-width:160px">'
)


def show(branding: Branding, *, title: str, text: str, button: str, width: int) -> None:
    """Draw one screen, ``width`` pixels wide at most.

    Every value is either escaped here or was made sure of by ``services.branding``.
    """
    company = escape(branding.company_name, quote=True)
    logo = (
        _LOGO.substitute(url=escape(branding.logo_url, quote=True), company=company)
        if branding.logo_url
        else ""
    )
    st.html(
        _SCREEN.substitute(
            width=width,
            background=branding.background,
            font_color=branding.font_color,
            font=escape(branding.font_family, quote=True),
            logo=logo,
            company=company,
            title=escape(title),
            text=escape(text),
            button=escape(button),
        )
    )
