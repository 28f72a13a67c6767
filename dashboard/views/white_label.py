"""White label: what do our clients see, and can they read it?"""

import streamlit as st

from dashboard import data
from dashboard.components import branded_screen, formats, page
from services import branding
from services.activity import Scope
from services.branding import Branding

WIDTHS = {"Desktop": 720, "Phone": 340}
SCREENS = {
    "Company details": (
        "Check your company's details",
        "Name, address and registration number as they will stand in the agreement.",
        "Continue",
    ),
    "Sign the agreement": (
        "Read and sign the debt collection agreement",
        "You sign with a code that is sent to your phone.",
        "Sign the agreement",
    ),
    "Done": (
        "You are set up",
        "The agreement is signed. You can submit cases now.",
        "Go back to your app",
    ),
    "Approve a link": (
        "Connect your Debitura account",
        "The platform asks to be linked with your existing account.",
        "Approve",
    ),
}


def show_verdict(brand: Branding) -> None:
    readable = brand.contrast >= branding.AA_NORMAL_TEXT
    draw = st.success if readable else st.warning
    icon = ":material/check_circle:" if readable else ":material/contrast:"
    draw(formats.plain(brand.verdict), icon=icon)
    for problem in brand.problems:
        st.caption(f":material/info: {problem}; clients see Debitura's own instead.")


def tried(current: Branding) -> Branding:
    """The branding with the values that the reader tries."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        background = st.color_picker("Background", current.background, key="try_background")
        font_color = st.color_picker("Font colour", current.font_color, key="try_font_color")
        font = st.text_input(
            "Font", current.font_family.replace('"', ""), key="try_font", width=260
        )
        logo = st.text_input("Logo address", current.logo_url or "", key="try_logo", width=320)
    return branding.from_values(
        company_name=current.company_name,
        logo_url=logo,
        background=background,
        font_color=font_color,
        font_family=font,
    )


def show_screens(brand: Branding, width: int) -> None:
    for name, (title, text, button) in SCREENS.items():
        st.caption(name)
        branded_screen.show(brand, title=title, text=text, button=button, width=width)


page.begin(
    "White label",
    "What do your clients see when they sign, and can they read it?",
    needs=(Scope.PARTNER,),
    keys=("screen",),
)
current = data.ask(branding.current)
if current is None:
    st.info("The branding is known after the first sync.", icon=":material/hourglass_top:")
    st.stop()
show_verdict(current)
width = st.segmented_control(
    "Screen", list(WIDTHS), default="Desktop", required=True, key="screen", bind="query-params"
)
now_column, tried_column = st.columns(2)
with now_column:
    st.subheader("As it is")
    st.table(
        {
            "Background": current.background,
            "Font colour": current.font_color,
            "Font": formats.plain(current.font_family),
            "Contrast": f"{current.contrast:.1f} : 1",
        },
        border="horizontal",
        width="content",
    )
    show_screens(current, WIDTHS[width])
with tried_column:
    st.subheader("Try other values")
    other = tried(current)
    show_verdict(other)
    show_screens(other, WIDTHS[width])
st.caption("Debitura's partnership team changes the values; nothing tried here is sent.")
