"""How much a request may ask for, and how many of them run at a time."""

from __future__ import annotations

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class ServerLimits:
    """What a server takes; more is answered with 413, 429 or 504.

    Args:
        body: Bytes of a request.
        instances: Examples of a request, by whichever road a signature is called.
        steps: Runs of the model for one example: steps, samples, masks, windows.
        pixels: Most pixels of an image that is decoded, before it is brought to the model's size.
        concurrency: Explanations that run at a time, and as many predictions beside them.
        queue: Requests of each kind that wait for their turn.
        seconds: From a request's first byte to its answer.
        receive: Seconds from a request's headers to the end of its body.
        bodies: Bytes of all requests together that are being received, wait or run; and of all
            answers that wait to be read, over each protocol.
        connections: Connections at a time.
        answer: Bytes of an answer of the server behind, where there is one.
    """

    body: int = 16 * 2**20
    instances: int = 64
    steps: int = 10_000
    pixels: int = 2**25
    concurrency: int = dataclasses.field(default_factory=lambda: max(2, os.cpu_count() or 2))
    queue: int = 64
    seconds: float = 60.0
    receive: float = 20.0
    bodies: int = 256 * 2**20
    connections: int = 512
    answer: int = 64 * 2**20
