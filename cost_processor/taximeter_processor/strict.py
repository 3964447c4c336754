"""What each part of the configuration is: closed to unknown keys, unchangeable, discreet."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of the configuration. Its errors do not repeat what was given: it may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
