"""Why a text is not of its format, from whichever reader found out."""


class FormatError(ValueError):
    """The text cannot be read as what it should be; `message` never quotes it, `line` is 1-based where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line
