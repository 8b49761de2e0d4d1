"""Text with stars, matched in time linear in the text for each star: never by backtracking, whoever wrote the pattern."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glob:
    """Text with stars, as the pieces between them; one piece means no star."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Glob":
        """Return the glob that `text` writes."""
        return cls(tuple(text.split("*")))

    @property
    def literal(self) -> bool:
        """True where nothing but one text matches."""
        return len(self.pieces) == 1

    def matches(self, text: str) -> bool:
        """Say whether the whole of `text` matches."""
        first, *middle = self.pieces
        if not middle:
            return text == first
        *middle, last = middle
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True
