"""Write the list of models in Anthropic's shape, in pages.

https://platform.claude.com/docs/en/api/models/list
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chatd.errors import InvalidRequestError

if TYPE_CHECKING:
    from chatd.config.model_facts import ModelFacts

# The id, the display name and the known facts of the model.
Listed = tuple[str, str, "ModelFacts | None"]
_DEFAULT_LIMIT, _MAX_LIMIT = 20, 1000
# Anthropic's own value for a model whose date of release is unknown.
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"


def model_info(name: str, display_name: str, facts: ModelFacts | None) -> dict[str, Any]:
    """Write one model; an unknown value is null.

    Args:
        name: The id, as a request takes it.
        display_name: The label, which Claude Code shows in its list of models.
        facts: The known facts of the model.

    """
    return {
        "type": "model",
        "id": name,
        "display_name": display_name,
        "created_at": _UNKNOWN_DATE,
        "max_input_tokens": facts.context if facts else None,
        "max_tokens": facts.max_output if facts else None,
        "capabilities": _capabilities(facts) if facts else None,
        "lifecycle": "active",
    }


def _capabilities(facts: ModelFacts) -> dict[str, Any]:
    """Write every field that Anthropic's SDKs know.

    The gateway has no batches; it enforces a format or emulates one; and it sends an effort to each
    model that thinks. What the table of models does not say counts as unsupported.
    """
    effort = bool(facts.effort or facts.thinks)
    levels = {level: _support(effort) for level in ("low", "medium", "high")}
    types = {"adaptive": _support(facts.adaptive), "enabled": _support(facts.thinks)}
    no = _support(supported=False)
    return {
        "batch": no,
        "citations": no,
        "code_execution": no,
        "context_management": no,
        "effort": {"supported": effort, **levels, "max": _support(facts.effort)},
        "image_input": _support(facts.images),
        "pdf_input": _support(facts.pdfs),
        "server_tools": {"supported": False, "web_search": no, "code_execution": no},
        "structured_outputs": _support(supported=True),
        "thinking": {"supported": bool(facts.thinks), "types": types},
    }


def _support(supported: bool | None) -> dict[str, bool]:  # noqa: FBT001  # its only argument
    return {"supported": bool(supported)}


def page_of(models: Sequence[Listed], query: Mapping[str, str]) -> dict[str, Any]:
    """Write one page of the list.

    Args:
        models: Every model.
        query: `limit`, from 1 to 1,000; and either `after_id`, the model before the page, or
            `before_id`, the model after it.

    Raises:
        InvalidRequestError: With the parameter that is wrong as its `param`.

    """
    limit = _limit(query.get("limit"))
    ids = [name for name, *_ in models]
    if query.get("before_id"):
        if query.get("after_id"):
            raise InvalidRequestError("send after_id or before_id, not both", param="before_id")
        end = _place(ids, query, "before_id")
        start = max(0, end - limit)
        has_more = start > 0
    else:
        start = _place(ids, query, "after_id") + 1 if query.get("after_id") else 0
        end = min(len(ids), start + limit)
        has_more = end < len(ids)
    shown = ids[start:end]
    return {
        "data": [model_info(*model) for model in models[start:end]],
        "has_more": has_more,
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    limit = int(text) if text.isascii() and text.isdecimal() and len(text) <= len("1000") else 0
    if not 1 <= limit <= _MAX_LIMIT:
        raise InvalidRequestError(
            f"limit must be a whole number from 1 to {_MAX_LIMIT}", param="limit"
        )
    return limit


def _place(ids: Sequence[str], query: Mapping[str, str], param: str) -> int:
    try:
        return ids.index(query[param])
    except ValueError:
        raise InvalidRequestError(f"{param} is no id of a listed model", param=param) from None
