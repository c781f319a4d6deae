"""What a request can meet, as a status of HTTP and one sentence."""

from __future__ import annotations

from tfxai.errors import TfxaiError

HTTP_OF_CODE = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400,
    12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip
"""Number of TensorFlow's and gRPC's error codes to what TensorFlow Serving makes of it."""


class RequestError(TfxaiError):
    """A request that gets no answer but a sentence.

    Args:
        status: HTTP status, 400 to 599.
        sentence: What came, what was expected, what to do.
        retry_after: Seconds after which it may be tried again, None where that is of no use.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class VersionEndedError(RequestError):
    """The latest version was asked for, and it ended while the request used it."""


def bad(sentence: str) -> RequestError:
    """The request itself is wrong."""
    return RequestError(400, sentence)


def too_much(
    what: str, came: int, limit: int, option: str, *, at_least: bool = False
) -> RequestError:
    """More than the server was told to take."""
    more = "at least " if at_least else ""
    return RequestError(
        413,
        f"{what}: {more}{came:,}, and this server takes at most {limit:,}. Send less, or start it "
        f"with a larger {option}.",
    )


def unavailable(sentence: str) -> RequestError:
    """It may work a little later."""
    return RequestError(503, sentence, retry_after=1)


def no_upstream(sentence: str) -> RequestError:
    """The server behind this one gave no answer that can be used."""
    return RequestError(502, sentence)


def late_upstream(seconds: float) -> RequestError:
    """The server behind this one did not answer in time."""
    return RequestError(
        504,
        f"The server behind this one gave no answer within {seconds:g} s. Ask for less (fewer "
        "instances, a method with fewer steps), or look whether it answers at all.",
    )


def late(seconds: float) -> RequestError:
    """The time that a request may take is over."""
    return RequestError(
        504,
        f"The answer took more than {seconds:g} s. Ask for less (fewer instances, a method with "
        "fewer steps), or start the server with a larger --timeout.",
    )
