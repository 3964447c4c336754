"""A million bodies with a few bytes wrong: each is read or refused, and the reader is unharmed."""

from __future__ import annotations

import os
from random import Random
from typing import Final

from bench.load import resident_mb
from taximeter_processor.errors import BadRequest
from tests.soak.scenario import Stage
from tests.support.fuzz import ATTRIBUTES, BODIES, INTERESTING, take

BODIES_A_ROUND: Final = 10_000
MOST_GROWTH_MB: Final = 50.0
_SELF: Final = os.getpid()
_GOOD: Final = (BODIES[0], BODIES[len(ATTRIBUTES)])


def random_bodies(stage: Stage) -> None:
    """After each round a good body of either encoding is read as ever; memory stays."""
    refused = 0
    settled_mb = 0.0
    for number in range(stage.rounds):
        for _ in range(BODIES_A_ROUND):
            try:
                take(*_mutated(stage.draw))
            except BadRequest:
                refused += 1
        for body, content_type in _GOOD:
            tokens = [call.usage.input_tokens for call in take(body, content_type)]
            stage.expect(tokens == [1312, 1312], f"a good body was read as {tokens}")
        if number == 0:
            settled_mb = resident_mb(_SELF)
        stage.done()
    growth = round(resident_mb(_SELF) - settled_mb, 1)
    stage.figures |= {
        "bodies": stage.rounds * BODIES_A_ROUND,
        "refused": refused,
        "growth_mb": growth,
    }
    stage.expect(growth < MOST_GROWTH_MB, f"memory grew by {growth} MB")


def _mutated(draw: Random) -> tuple[bytes, str]:
    """A real body with one to four places changed, half of them at the same length.

    What keeps the length is mostly still a body, and reaches the readers further in.
    """
    body, content_type = draw.choice(BODIES)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(body) or 1)
        end = min(len(body), at + draw.randint(1, 8))
        kind = draw.randrange(6)
        if kind < 3:
            put = draw.randbytes(end - at) if kind else bytes(b ^ 1 for b in body[at:end])
        elif kind == 3:
            put = draw.choice(INTERESTING)
        elif kind == 4:
            put = draw.randbytes(draw.randint(1, 4))
        else:
            put = body[at:end] * draw.randint(0, 5)
        body = body[:at] + put + body[end:]
    return body, content_type
