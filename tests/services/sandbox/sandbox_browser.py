"""A person at a browser, as far as forms and links go."""

from html.parser import HTMLParser
from typing import Any

import httpx


class Page(HTMLParser):
    """What a test looks for in an HTML document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.fields: dict[str, str] = {}
        self.links: dict[str, dict[str, str | None]] = {}
        self._parts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._link: dict[str, str | None] | None = None
        self._select: str | None = None
        self.feed(text)

    @property
    def words(self) -> str:
        """All that can be read, with single spaces."""
        return " ".join(self._said(None).split())

    @property
    def heading(self) -> str:
        return " ".join(self._said("h1").split())

    def _said(self, tag: str | None) -> str:
        return " ".join(text for where, text in self._parts if tag in (None, where))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self._open.append(tag)
        name = given.get("name")
        if tag == "a":
            self._link = given
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self._open[-1] = "chosen"
        elif tag == "input" and name and (given["type"] != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        if where != "style":
            self._parts.append((where, data))
        if where == "a" and self._link is not None:
            self.links[data.strip()] = self._link
        if where == "chosen" and self._select:
            self.fields[self._select] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() not in (tag, "chosen"):
            pass


class Browser:
    """Opens pages and sends their forms, with redirects followed."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.answer = httpx.Response(200)

    @property
    def page(self) -> Page:
        return Page(self.answer.text)

    @property
    def path(self) -> str:
        return self.answer.url.path

    def open(self, url: str) -> Page:
        self.answer = self.http.get(url, follow_redirects=True)
        return self.page

    def send(self, **typed: str) -> Page:
        """Send the form of the open page with some fields filled in anew."""
        fields = {**self.page.fields, **typed}
        return self.post(str(self.answer.url), data=fields)

    def post(self, url: str, **more: Any) -> Page:
        self.answer = self.http.post(url, follow_redirects=True, **more)
        return self.page
