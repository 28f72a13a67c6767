"""Text made comparable: without accents, case and surplus spaces."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MOST_WORDS = 32  # a database refuses an expression that is nested too deeply
LONGEST_WORD = 1000  # and a LIKE pattern that is too long


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """``text`` as search compares it: ``Señor  Ünal`` is ``senor unal``."""
    if text.isascii():
        return " ".join(text.replace("\0", " ").lower().split())
    # Twice, because signs such as ™ are taken apart into capitals.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    # To SQLite's LIKE a nought ends the pattern.
    return " ".join(plain.replace("\0", " ").split())


def search_words(text: str) -> list[str]:
    """The folded words that a search asks for; those of a pasted page only to begin with."""
    return [word[:LONGEST_WORD] for word in fold(text).split()[:MOST_WORDS]]


def search_text(parts: Iterable[str | None]) -> str:
    """What a row is found by: its folded texts, one after the other."""
    return " | ".join(fold(part) for part in parts if part)


def like_pattern(term: str) -> str:
    """A LIKE pattern (escape character ``\\``) that finds ``term`` anywhere, taken literally."""
    return f"%{prefix_pattern(term)}"


def prefix_pattern(term: str) -> str:
    """The same for ``term`` at the beginning."""
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
