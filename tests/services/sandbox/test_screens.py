"""The client's screens: readable documents whatever the branding and the facts are."""

import re
from itertools import product
from typing import Any

import pytest
from jinja2 import UndefinedError
from sandbox_browser import Page

from services.sandbox.screens import (
    Branding,
    Screen,
    render,
    sample_facts,
    stylesheet,
    web_address,
)

ACME = Branding("Acme", "https://acme.example/logo.png", "#1f4e5f", "#ffffff", "Inter, sans-serif")
PIXEL = "data:image/png;base64,iVBORw0KGgo="
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "url(https://evil.example/x)",
    "red;} body{display:none",
    "#fff;background:url(//evil.example)",
    "\"><img src=x onerror='alert(1)'>",
    "javascript:alert(1)",
    "expression(alert(1))",
    "\\3c script",
    "{{ 7 * 7 }}",
    "{% include 'style.css' %}",
    "-->\u202e\x00",
)


def test_every_screen_is_a_whole_document() -> None:
    for screen in Screen:
        text = render(screen, ACME, **sample_facts(screen))
        page = Page(text)
        assert text.startswith("<!doctype html>")
        assert text.rstrip().endswith("</html>")
        assert ("html", {"lang": "en"}) in page.tags
        assert sum(tag == "h1" for tag, _ in page.tags) == 1
        assert page.heading


def test_every_field_has_a_label_and_is_known_to_the_browser() -> None:
    for screen in Screen:
        tags = Page(render(screen, ACME, **sample_facts(screen))).tags
        labels = {given["for"] for tag, given in tags if tag == "label"}
        fields = [given for tag, given in tags if tag in ("input", "select")]
        assert {given["id"] for given in fields} == labels
        for given in fields:
            assert given.get("autocomplete") or given["type"] == "checkbox"


def test_a_fault_belongs_to_its_field() -> None:
    facts = {**sample_facts("agreement"), "errors": {"code": "This code is not right."}}
    page = Page(render("agreement", ACME, **facts))
    assert "This code is not right." in page.words
    field = next(given for _, given in page.tags if given.get("id") == "code")
    assert field["aria-invalid"] == "true"
    ids = {given.get("id") for _, given in page.tags}
    assert set((field["aria-describedby"] or "").split()) == {"code-hint", "code-fault"} <= ids


def test_the_partner_s_look_is_used() -> None:
    text = render("done", ACME, **sample_facts("done"))
    assert "--brand-background:#1f4e5f;--brand-text:#ffffff;" in text
    assert '--font:"Inter", sans-serif;' in text
    assert ("img", "https://acme.example/logo.png") in [
        (tag, given.get("src")) for tag, given in Page(text).tags
    ]
    assert f"<style>{stylesheet(ACME)}</style>" in text


def test_without_a_logo_the_name_stands_there() -> None:
    page = Page(render("done", Branding("Acme"), **sample_facts("done")))
    assert "img" not in [tag for tag, _ in page.tags]
    assert ("p", {"class": "wordmark"}) in page.tags
    assert "Skip to the content Acme ✓ Company details" in page.words


def test_nothing_at_all_gives_the_defaults() -> None:
    text = render("done", Branding(), **sample_facts("done"))
    assert "--brand-background:#ffffff;--brand-text:#1d2733;--ink:#1d2733;" in text
    assert "Your software provider" in text


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("#ABC", "#aabbcc"),
        ("1F4E5F", "#1f4e5f"),
        (" #1f4e5f ", "#1f4e5f"),
        ("rgb(1, 22,255)", "#0116ff"),
        ("Navy", "#000080"),
        ("rgb(1,2,256)", "#ffffff"),
        ("rgb(1,2)", "#ffffff"),
        ("#12345", "#ffffff"),
        ("var(--ink)", "#ffffff"),
        ("transparent", "#ffffff"),
        ("#\u0661\u0661\u0661", "#ffffff"),
        ("", "#ffffff"),
        (None, "#ffffff"),
    ],
)
def test_colours(given: str | None, used: str) -> None:
    assert stylesheet(Branding(background=given)).startswith(f":root{{--brand-background:{used};")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("Inter", '"Inter", sans-serif'),
        ("'Open Sans', \"Roboto\", serif", '"Open Sans", "Roboto", serif'),
        ("monospace", "monospace"),
    ],
)
def test_fonts(given: str, used: str) -> None:
    assert f"--font:{used};}}" in stylesheet(Branding(font_family=given))


@pytest.mark.parametrize("given", ["Inter;color:red", "a,,b", 'x"}', "url(x)", "Ünïcode", ""])
def test_other_fonts_are_the_system_s(given: str) -> None:
    assert stylesheet(Branding(font_family=given)) == stylesheet(Branding())


def test_text_on_the_card_is_readable_whatever_the_font_colour() -> None:
    assert "--ink:#3b2a00;" in stylesheet(Branding(font_color="#3b2a00"))
    assert "--ink:#1d2733;" in stylesheet(Branding(font_color="#eeeeee"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://cdn.example/a/logo.svg?v=1", True),
        (PIXEL, True),
        ("data:image/jpeg;base64,AAAA", True),
        ("http://127.0.0.1:8600/logo.png", True),
        ("http://localhost/logo.png", True),
        ("http://cdn.example/logo.png", False),
        ("http://127.0.0.1.evil.example/logo.png", False),
        ("https://name:word@cdn.example/logo.png", False),
        ("https:///logo.png", False),
        ("//cdn.example/logo.png", False),
        ("data:image/svg+xml;base64,AAAA", False),
        ("data:text/html;base64,AAAA", False),
        ("data:image/png;base64,AAAA\" onerror='x'", False),
        ("javascript:alert(1)", False),
        ("https://cdn.example/logo.png\n", True),
        ("https://cdn.example/lo\ngo.png", False),
        ("https://[", False),
    ],
)
def test_logos(given: str, shown: bool) -> None:
    tags = Page(render("done", Branding(logo_url=given), **sample_facts("done"))).tags
    pictures = [given["src"] for tag, given in tags if tag == "img"]
    assert pictures == ([given.strip()] if shown else [])


@pytest.mark.parametrize(
    "address", ["https://app.example/a?b=c#d", "http://localhost:8501/", "https://é.example/"]
)
def test_addresses_to_go_back_to(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " https://app.example",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://",
        "https://app.example@evil.example/",
        "https://app.example\\@evil.example/",
        "https://app.example/\x00",
        "https://app.example/\u202e",
        "https://app.example:99999/",
        'https://app.example/"onclick=',
        "ftp://app.example/",
        "app.example",
        "",
        None,
    ],
)
def test_addresses_nobody_is_sent_to(address: str | None) -> None:
    assert web_address(address) is None
    text = render("done", ACME, return_url=address, **sample_facts("done"))
    assert "Go back to your app" not in text


def test_the_way_back_tells_nothing_of_this_page() -> None:
    text = render("done", ACME, return_url="https://app.example/?a=1&b=2", **sample_facts("done"))
    assert Page(text).links["Go back to your app"] == {
        "class": "button",
        "href": "https://app.example/?a=1&b=2",
        "rel": "noopener",
    }


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_branding_is_harmless(evil: str) -> None:
    branding = Branding(evil, evil, evil, evil, evil)
    for screen in Screen:
        text = render(screen, branding, return_url=evil, **sample_facts(screen))
        _assert_harmless(text)
        assert stylesheet(branding) == stylesheet(Branding())
        assert Page(text).tags == Page(render(screen, Branding(), **sample_facts(screen))).tags


@pytest.mark.parametrize(("evil", "screen"), list(product(HOSTILE, Screen)))
def test_hostile_facts_are_harmless(evil: str, screen: Screen) -> None:
    calm = sample_facts(screen)
    urls = {name: value for name, value in calm.items() if name.endswith("_url")}
    worse = {**_with_texts(calm, evil), **urls}
    text = render(screen, ACME, **worse)
    _assert_harmless(text)
    expected = [tag for tag, _ in Page(render(screen, ACME, **calm)).tags]
    if screen not in (Screen.COMPANY_DETAILS, Screen.DECIDED):
        assert [tag for tag, _ in Page(text).tags] == expected


def _with_texts(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        keep = ("field", "agreed")
        return {k: v if k in keep else _with_texts(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, text) for item in value]
    return text if isinstance(value, str) else value


def _assert_harmless(text: str) -> None:
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "base"}
    for _, given in page.tags:
        assert not [name for name in given if name.startswith("on") or name == "style"]
        for name in ("href", "src"):
            assert re.match("https://|/|#|$", given.get(name) or "")
    assert text.count("<style>") == text.count("</style>") == 1
    assert "evil.example" not in text.partition("</style>")[0].partition("<style>")[2]


def test_a_missing_fact_is_not_left_blank() -> None:
    with pytest.raises(UndefinedError):
        render("power_of_attorney", ACME, company="Acme")


def test_an_unknown_screen_is_refused() -> None:
    with pytest.raises(ValueError, match="base"):
        render("base", ACME)
