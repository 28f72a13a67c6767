"""Text made comparable: without accents, case and surplus spaces."""

import unicodedata
from collections.abc import Iterable


def fold(text: str) -> str:
    """``text`` as search compares it: ``Señor  Ünal`` is ``senor unal``."""
    # Twice, because signs such as ™ are taken apart into capitals.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(plain.split())


def search_text(parts: Iterable[str | None]) -> str:
    """What a row is found by: its folded texts, one after the other."""
    return " | ".join(fold(part) for part in parts if part)


def like_pattern(term: str) -> str:
    """A LIKE pattern (escape character ``\\``) that finds ``term`` anywhere, taken literally."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
