"""Errors named by what the caller should do next. Their text may be shown to anyone on
the staff: it never holds a token, a secret or a request's headers."""


class PlatformError(Exception):
    """A call to a platform did not give what was asked. `status` is the HTTP status (None when
    there was no answer), `code` and `vendor_message` are the platform's own words, `outer_code` is
    the code of the envelope where it differs, `call` is the request as "GET https://host/path"
    without its query. `message` is ours, and a client may put better words there."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        outer_code: str = "",
        vendor_message: str = "",
        call: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.outer_code = outer_code
        self.vendor_message = vendor_message
        self.call = call

    def __str__(self) -> str:
        said = " ".join(filter(None, [self.code, self.vendor_message]))
        answer = f"HTTP {self.status}" if self.status else ""
        tail = "; ".join(filter(None, [self.call, answer, said]))
        return f"{self.message} ({tail})" if tail else self.message


class Refused(PlatformError):
    """Stop and ask a person: credentials, scope or permission are wrong. Repeating never helps."""


class TryLater(PlatformError):
    """End politely: the next run will do. `after` is how many seconds the platform asked for."""

    def __init__(self, message: str, *, after: float | None = None, **context: object) -> None:
        super().__init__(message, **context)  # type: ignore[arg-type]
        self.after = after


class BadAnswer(PlatformError):
    """An answer came that cannot be believed: not JSON, fields missing, half a directory."""


class Missing(PlatformError):
    """What was asked for is not there."""


def in_words(problem: PlatformError) -> str:
    """The whole sentence for a person, with when to try again where the platform said so."""
    if isinstance(problem, TryLater) and problem.after:
        return f"{problem} Try again in {problem.after:.0f} seconds."
    return str(problem)
