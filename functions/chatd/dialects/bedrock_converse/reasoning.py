"""Write the effort of thinking in the field of each vendor's models in Bedrock's Converse.

https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html and
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.request import ChatRequest, Think
from chatd.config.provider import Provider
from chatd.dialects import thinking_hints
from chatd.dialects.anthropic_messages.claude_models import ClaudeModel
from chatd.dialects.bedrock_converse.model_facts import ConverseModel

Json = dict[str, Any]
_LEAST_BUDGET = 1_024
# Tokens of thinking where the caller demands thinking of a Claude model that needs a budget.
_DEFAULT_BUDGET = 4_096
_LEAST_TOP_P = 0.95
_XHIGH = (4, 7)
_CLAUDE_EFFORTS: Mapping[str, str] = MappingProxyType({"minimal": "low", "ultra": "max"})
# Nova and gpt-oss know three efforts.
_EFFORTS: Mapping[str, str] = MappingProxyType(
    {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
)


class Reasoning:
    """Write the effort of thinking, or name the caller's hint as lost.

    Args:
        request: The request.
        row: The provider's row, which lists further models that think.
        model: The abilities of the model.
        forced: Whether a tool must be called, which excludes Claude's thinking.

    Attributes:
        additional: The fields of `additionalModelRequestFields`.
        effort: The field `outputConfig.effort`; None: not given.
        excluded: The fields of sampling that the model refuses while thinking.
        lost: The caller's names of the fields that are left out.

    """

    def __init__(
        self, request: ChatRequest, row: Provider, model: ConverseModel, *, forced: bool
    ) -> None:
        self._request = request
        self.additional: Json = {}
        self.effort: str | None = None
        self.excluded: frozenset[str] = frozenset()
        self.lost: list[str] = []
        if model.claude is not None:
            self._write_thinking(model.claude, forced=forced)
            self._write_claude_effort(model.claude)
        elif model.reasoning == "reasoningConfig":
            self._write_reasoning_config(_level(request))
        elif model.reasoning == "reasoning_effort":
            self._write_reasoning_effort(_level(request))
        else:
            self._write_effort(thinking_hints.wanted(request, row))
            self.lost += thinking_hints.lost(request, row)

    def _write_thinking(self, claude: ClaudeModel, *, forced: bool) -> None:
        think = self._request.think
        if think is None:
            return
        if think is False or think == "none":
            self.additional["thinking"] = {"type": "disabled"}
            return
        thinking = self._thinking(claude)
        if thinking is None or forced:
            self._lose()
            return
        self.additional["thinking"] = thinking
        sampling = self._request.sampling
        excluded = {
            "temperature": sampling.temperature != 1,
            "top_p": sampling.top_p is not None and sampling.top_p < _LEAST_TOP_P,
            "top_k": True,
        }
        self.excluded = frozenset(name for name, is_excluded in excluded.items() if is_excluded)

    def _thinking(self, claude: ClaudeModel) -> Json | None:
        """Choose adaptive thinking, or a budget; None where the model has room for neither."""
        request = self._request
        budget = request.think_budget
        if budget is None and not claude.thinks_adaptively:
            if not request.think_required and request.think is not True:
                return None
            budget = _DEFAULT_BUDGET
        if budget is None or not claude.takes_sampling:
            return {"type": "adaptive"}
        limit = limit_of(request)
        if limit is None:
            return {"type": "enabled", "budget_tokens": max(budget, _LEAST_BUDGET)}
        if limit <= _LEAST_BUDGET:
            return None
        return {"type": "enabled", "budget_tokens": min(max(budget, _LEAST_BUDGET), limit - 1)}

    def _write_claude_effort(self, claude: ClaudeModel) -> None:
        """Write the effort, or the level of thinking; an older model takes neither."""
        request = self._request
        effort = request.effort
        if effort is None and isinstance(request.think, str):
            effort = None if request.think in ("adaptive", "none") else request.think
        if effort is None:
            return
        if not claude.takes_effort:
            self._lose()
        elif effort == "xhigh" and claude.version < _XHIGH:
            self.effort = "max"
        else:
            self.effort = _CLAUDE_EFFORTS.get(effort, effort)

    def _write_reasoning_config(self, level: Think | None) -> None:
        """Write Nova's effort; the effort `high` excludes sampling and a limit."""
        if level is None:
            return
        if level is False:
            self.additional["reasoningConfig"] = {"type": "disabled"}
            return
        if level is True:  # Nova does not decide by itself
            self._lose()
            return
        effort = _EFFORTS.get(level, "high")
        if effort == "high" and limit_of(self._request) is not None:
            effort = "medium"
            self._lose()
        if effort == "high":
            self.excluded = frozenset(("temperature", "top_p", "top_k"))
        self.additional["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}

    def _write_reasoning_effort(self, level: Think | None) -> None:
        """Write the effort of gpt-oss, which always thinks."""
        if level is False:
            self._lose()
        elif isinstance(level, str):
            self.additional["reasoning_effort"] = _EFFORTS.get(level, "high")

    def _write_effort(self, level: Think | None) -> None:
        """Write the effort of a model of another vendor, which has no switch for thinking."""
        if level is False or level == "none":
            self._lose()
        elif level is True:
            self.effort = None if self._request.think == "adaptive" else "medium"
        else:
            self.effort = level

    def _lose(self) -> None:
        name = thinking_hints.name_of(self._request)
        if name not in self.lost:
            self.lost.append(name)


def _level(request: ChatRequest) -> Think | None:
    """Return how hard to think: a level, True for adaptive thinking, False for none."""
    think = request.think
    if think is None or think == "adaptive":
        return request.effort or (None if think is None else True)
    if think == "none":
        return False
    if think is True:
        return request.effort or thinking_hints.effort_of_budget(request.think_budget)
    return think


def limit_of(request: ChatRequest) -> int | None:
    """Return the most output tokens by the caller's limit; None without a limit."""
    given = (request.max_completion_tokens, request.max_tokens)
    return next((limit for limit in given if limit is not None), None)
