"""Share the parts of chatd.toml's tables: their base, texts and limits of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from chatd.config.provider import Timeouts

Seconds = Annotated[float, Field(gt=0, le=900, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class Table(BaseModel):
    """A table of the file: its keys are the fields alone."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class TimeoutsTable(Table):
    """`timeouts = { connect = 5, total = 300 }`, in seconds."""

    connect: Seconds | None = None
    silence: Seconds | None = None
    silence_with_fallback: Seconds | None = None
    first_event: Seconds | None = None
    gap: Seconds | None = None
    total: Seconds | None = None

    def over(self, limits: Timeouts) -> Timeouts:
        """Return the limits with the values of this table."""
        return replace(limits, **self.model_dump(exclude_none=True))
