"""Write the fields besides conversation and tools, and name those that are lost.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.extra import fields_for
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.output_schema import OutputSchema
from chatd.dialects.bedrock_converse.model_facts import ConverseModel
from chatd.dialects.bedrock_converse.reasoning import Reasoning, limit_of
from chatd.dialects.bedrock_converse.row_drops import dropped_of

Json = dict[str, Any]
# The tag of the further fields of OpenAI's chat surface, whose callers may send Bedrock's own.
_CHAT = "openai_chat"
PASSED: Mapping[str, type] = MappingProxyType(
    {
        "additionalModelRequestFields": dict,
        "additionalModelResponseFieldPaths": list,
        "guardrailConfig": dict,
        "performanceConfig": dict,
        "promptVariables": dict,
        "requestMetadata": dict,
        "serviceTier": dict,
    }
)
"""Fields of Bedrock that a caller of OpenAI's chat API may send, and their types."""
_TIERS = frozenset({"default", "flex", "priority", "reserved"})


class Options:
    """Write all fields of a request except the conversation and the tools.

    Args:
        request: The request; `model` is the provider's name for it.
        row: The provider's row.
        model: The abilities of the model.
        forced: Whether a tool must be called.

    Attributes:
        fields: The fields.
        lost: The caller's names of the fields that may change the answer and are left out.

    """

    def __init__(
        self, request: ChatRequest, row: Provider, model: ConverseModel, *, forced: bool
    ) -> None:
        self._request = request
        self._model = model
        self._row = row
        self._dropped: frozenset[str] | None = None
        self.lost: list[str] = []
        self.fields: Json = {}
        given = fields_for(_CHAT, request.extra)
        for name, kind in PASSED.items():
            if not given.get(name):
                continue
            if isinstance(given[name], kind):
                self.fields[name] = given[name]
            else:
                self.lost.append(name)
        self._inference: Json = {}
        self._additional: Json = {}
        self._write_limits()
        reasoning = Reasoning(request, row, model, forced=forced)
        self.lost += reasoning.lost
        self._merge(reasoning.additional)
        self._write_sampling(reasoning.excluded)
        self._write_output_config(reasoning.effort)
        self._write_tier(given)
        self._note_unwritten()
        self._finish()

    def _is_dropped(self, name: str) -> bool:
        """Return whether the row or the model refuses a field: looked up for the first field."""
        if self._dropped is None:
            self._dropped = dropped_of(self._request.model, self._row, self._model)
        return name in self._dropped

    def _finish(self) -> None:
        if self._inference:
            self.fields["inferenceConfig"] = self._inference
        if self._additional:
            own = self.fields.get("additionalModelRequestFields", {})
            self.fields["additionalModelRequestFields"] = {**self._additional, **own}

    def _merge(self, fields: Json) -> None:
        for name, value in fields.items():
            before = self._additional.get(name)
            self._additional[name] = {**before, **value} if isinstance(before, dict) else value

    def _write_limits(self) -> None:
        if (limit := limit_of(self._request)) is not None:
            self._write("max_tokens", "maxTokens", limit)
        if (stops := self._request.sampling.stop) is not None:
            # Claude answers "each stop sequence must contain non-whitespace".
            kept = [stop for stop in stops if stop.strip()]
            if len(kept) < len(stops):
                self.lost.append("stop")
            if kept:
                self._write("stop", "stopSequences", kept)

    def _write_sampling(self, excluded: frozenset[str]) -> None:
        """Write how tokens are chosen, except the fields that thinking excludes."""
        sampling = self._request.sampling
        for name, written in (("temperature", "temperature"), ("top_p", "topP")):
            value = getattr(sampling, name)
            if value is not None and name in excluded:
                self.lost.append(name)
            elif value is not None:
                self._write(name, written, value)
        self._write_top_k(excluded)

    def _write(self, name: str, written: str, value: Any) -> None:
        """Write a field of `inferenceConfig`, or name the field where row or model refuses it."""
        if self._is_dropped(name):
            self.lost.append(name)
        else:
            self._inference[written] = value

    def _write_top_k(self, excluded: frozenset[str]) -> None:
        value, path = self._request.sampling.top_k, self._model.top_k
        if value is None:
            return
        if not path or "top_k" in excluded or self._is_dropped("top_k"):
            self.lost.append("top_k")
            return
        *outer, last = path
        field: Json = {last: value}
        for name in reversed(outer):
            field = {name: field}
        self._merge(field)

    def _write_output_config(self, effort: str | None) -> None:
        config: Json = {}
        if effort is not None:
            config["effort"] = effort
        form = self._request.format
        # A model that enforces no format refuses the field; routing describes the format instead.
        if isinstance(form, Mapping) and self._row.enforces_format(self._request.model):
            config["textFormat"] = {
                "type": "json_schema",
                "structure": {"jsonSchema": self._schema(form)},
            }
        if config:
            self.fields["outputConfig"] = config

    def _schema(self, given: Mapping[str, Any]) -> Json:
        """Write the schema as a text, with its name and description."""
        request, schema = self._request, OutputSchema()
        fitted = schema.written(given)
        self.lost += [f"response_format.{name}" for name in schema.lost]
        written: Json = {"schema": json.dumps(fitted, ensure_ascii=False)}
        if request.schema_name:
            written["name"] = request.schema_name
        if request.schema_description:
            written["description"] = request.schema_description
        return written

    def _write_tier(self, given: Mapping[str, Any]) -> None:
        tier = given.get("service_tier")
        if isinstance(tier, str) and tier in _TIERS:
            self.fields.setdefault("serviceTier", {"type": tier})

    def _note_unwritten(self) -> None:
        """Name the fields without an equal that can change the wording of the answer."""
        request, sampling = self._request, self._request.sampling
        unwritten = {
            "seed": sampling.seed is not None,
            "presence_penalty": bool(sampling.presence_penalty),
            "frequency_penalty": bool(sampling.frequency_penalty),
            "messages.name": any(turn.name for turn in request.messages if turn.role != "tool"),
        }
        self.lost += [name for name, is_lost in unwritten.items() if is_lost]
