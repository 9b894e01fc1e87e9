"""The canonical form of a request for embeddings, and of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chatd.canonical.extra import Json
from chatd.canonical.response import CHARACTERS_A_TOKEN, Usage
from chatd.safe_json.text_extraction import texts

if TYPE_CHECKING:
    from array import array

Encoding = Literal["float", "base64"]
# A text, or the numbers of its tokens.
Input = str | Sequence[int]
# Of type "f" where the provider sent float32 numbers, of type "d" where it sent decimal ones.
Vector: TypeAlias = "array[float]"


@dataclass(slots=True, eq=False)
class EmbeddingRequest:
    """A request for the vectors of one or several inputs.

    Attributes:
        model: The caller's name for the model; the gateway replaces it by the provider's.
        inputs: The inputs in order: texts, or arrays of tokens.
        encoding: How the caller wants the vectors.
        dimensions: The length of the vectors; None: the model's own.
        source: The caller's JSON. It is shared by all attempts, and must not be changed.
        extra: The fields of the JSON that OpenAI's API does not define.
        caller: The caller's name, for a provider that takes it as metadata.

    """

    model: str
    inputs: Sequence[Input] = field(repr=False)
    encoding: Encoding = "float"
    dimensions: int | None = None
    source: Json = field(default_factory=dict, repr=False)
    extra: Json = field(default_factory=dict, repr=False)
    caller: str | None = None

    @property
    def has_tokens(self) -> bool:
        """Whether an input is an array of tokens."""
        return any(not isinstance(given, str) for given in self.inputs)

    @property
    def texts(self) -> list[str]:
        """The inputs of a request without arrays of tokens."""
        return [given for given in self.inputs if isinstance(given, str)]

    @property
    def tokens(self) -> int:
        """The number of input tokens: counted in arrays, and characters / 4 in texts."""
        characters = sum(len(given) for given in self.texts)
        counted = sum(len(given) for given in self.inputs if not isinstance(given, str))
        return counted + ceil(characters / CHARACTERS_A_TOKEN)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from self.texts
        yield from texts([self.source.get("user"), self.extra])

    def batches(self, most: int) -> list[EmbeddingRequest]:
        """Split the request into requests of at most so many inputs, in order."""
        if len(self.inputs) <= most:
            return [self]
        starts = range(0, len(self.inputs), most)
        return [replace(self, inputs=self.inputs[start : start + most]) for start in starts]


@dataclass(slots=True, eq=False)
class Embeddings:
    """The vectors of a request, in the order of its inputs.

    Attributes:
        vectors: The vectors, all of one length.
        usage: The input tokens, and the cost if the provider gives it.
        model: The provider's name for the model, if it gives one.
        fields: The further fields of each vector's JSON; empty if there are none.
        extra: The further fields of the answer's JSON.

    """

    vectors: Sequence[Vector] = field(repr=False)
    usage: Usage
    model: str | None = None
    fields: Sequence[Mapping[str, Any]] = ()
    extra: Json = field(default_factory=dict)


def joined(parts: Sequence[Embeddings]) -> Embeddings:
    """Join the answers to the batches of one request, in order.

    The further fields of a joined answer are left out, such as an id: each holds for one batch.
    """
    if len(parts) == 1:
        return parts[0]
    return Embeddings(
        list(chain.from_iterable(part.vectors for part in parts)),
        sum((part.usage for part in parts), Usage()),
        parts[0].model,
        list(chain.from_iterable(part.fields for part in parts)),
    )
