"""Describe a month of chats: their number, length, waiting time and traffic."""

from __future__ import annotations

from dataclasses import dataclass

HOURS = 730.0  # of a month
SECONDS = HOURS * 3600
GB = 1e9  # bytes, of traffic and of logs
STREAM_BYTES_A_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Workload:
    """The workload of a month.

    Attributes:
        chats: Number of chats.
        tokens: Output tokens of a chat.
        rate: The provider's output in tokens a second.
        first: Time to first token in seconds.
        memory: The chat function's memory in MB.
        architecture: The chat function's processor architecture.
        peak: Concurrency at the busiest moment over the average.
        cold: Share of chats with a cold start.
        providers: Number of providers in use; each has metrics of its own.
        writes: Writes per chat to a DynamoDB table.

    """

    chats: float = 1_000_000
    tokens: float = 500
    rate: float = 60.0
    first: float = 0.8
    memory: int = 512
    architecture: str = "arm64"
    peak: float = 4.0
    cold: float = 0.01
    providers: int = 2
    writes: float = 0.0

    @property
    def waited(self) -> float:
        """Return the seconds that a chat waits for its provider."""
        return self.first + self.tokens / self.rate

    @property
    def at_once(self) -> float:
        """Return the average number of concurrent chats."""
        return self.chats * self.waited / SECONDS

    @property
    def gb_out(self) -> float:
        """Return the GB of responses."""
        return self.chats * self.tokens * STREAM_BYTES_A_TOKEN / GB
