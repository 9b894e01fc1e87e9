"""Content blocks: the ordered parts of a turn and of an answer.

Surfaces and dialects read into these blocks and write from them. A field that a block does not
name is kept in `extra`, tagged with the dialect that it came in, and is written only into that
dialect.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chatd.canonical.extra import Extra, extra_words
from chatd.safe_json.text_extraction import is_field, json_texts


@dataclass(slots=True)
class Text:
    """Plain text."""

    text: str = field(repr=False)
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return len(self.text)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.text
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Thinking:
    """Reasoning of the model.

    Attributes:
        text: The readable reasoning; empty where the provider keeps it secret.
        signature: The maker's opaque token beside the text: Anthropic's signature, or OpenAI's
            encrypted content. Only the maker accepts it back.
        redacted: Encrypted reasoning, for which there is no readable text.
        maker: The provider that made it, as `<provider>/<model>`; None if not known.
        extra: Unnamed fields.

    """

    text: str = field(default="", repr=False)
    signature: str | None = field(default=None, repr=False)
    redacted: str | None = field(default=None, repr=False)
    maker: str | None = None
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return len(self.text)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from (self.text, self.signature or "", self.redacted or "")
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Refusal:
    """The model's refusal to answer, which OpenAI's APIs keep apart from texts."""

    text: str = field(repr=False)
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return len(self.text)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.text
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Image:
    """An image, as an `https:` or a `data:` URL."""

    url: str = field(repr=False)
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Return 0: an image is not text."""
        return 0

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.url
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Document:
    """A file for the model to read.

    Attributes:
        url: Its content as a `data:` URL, or its `https:` URL; None for a plain text.
        text: Its content where it is plain text.
        title: The caller's title or file name.
        extra: Unnamed fields.

    """

    url: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of characters of a plain text; 0 for another file."""
        return len(self.text or "")

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from (self.url or "", self.text or "", self.title or "")
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class ToolCall:
    """A call of a tool by the model.

    Attributes:
        id: The call's id, which its result repeats.
        name: The tool's name.
        arguments: For a function the text of a JSON object; for a custom tool its input.
        kind: `function`, `custom` (a tool with free text as input), or another kind, with its
            content in `extra` alone.
        extra: Unnamed fields, such as Google's `extra_content` with a thought signature.
        namespace: The group of tools that the tool belongs to, of OpenAI's Responses API.

    """

    id: str
    name: str
    arguments: str = field(repr=False)
    kind: str = "function"
    extra: Extra | None = field(default=None, repr=False)
    namespace: str | None = None

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return len(self.name) + len(self.arguments)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from (self.id, self.name, self.arguments, self.namespace or "")
        yield "" if is_field(self.kind) else self.kind
        yield from json_texts(self.arguments)
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class ToolResult:
    """The result of a tool call.

    Attributes:
        call_id: The id of the call.
        blocks: Its content: texts, images, documents.
        is_error: Whether the tool failed.
        extra: Unnamed fields.

    """

    call_id: str
    blocks: tuple[Block, ...] = ()
    is_error: bool = False
    extra: Extra | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return sum(block.size for block in self.blocks)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.call_id
        for block in self.blocks:
            yield from block.words()
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Opaque:
    """A block unknown to the canonical form, such as audio, in its own dialect.

    Attributes:
        kind: Its type in its own dialect.
        extra: The whole block but for its type.

    """

    kind: str
    extra: Extra = field(repr=False)

    @property
    def size(self) -> int:
        """Return 0: the size of the text in the block is not known."""
        return 0

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield "" if is_field(self.kind) else self.kind
        yield from self.extra.words()


Block = Text | Thinking | Refusal | Image | Document | ToolCall | ToolResult | Opaque


def text_of(blocks: tuple[Block, ...]) -> str:
    """Join the plain text of blocks, including the text of tool results."""
    if len(blocks) == 1 and isinstance(blocks[0], Text):
        return blocks[0].text
    return "".join(
        block.text
        if isinstance(block, Text)
        else text_of(block.blocks)
        if isinstance(block, ToolResult)
        else ""
        for block in blocks
    )
