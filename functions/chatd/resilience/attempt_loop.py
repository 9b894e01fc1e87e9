"""Repeat the attempts at one model: circuit breaker, corrections of a refused request, retries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from chatd.errors import REPORTED, ChatdError, NoHealthyProviderError
from chatd.resilience.attempt_window import AttemptWindow
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.retry import Retries
from chatd.routing.model_target import ModelTarget

_Target = TypeVar("_Target", bound=ModelTarget)
_Answer = TypeVar("_Answer")


@dataclass(slots=True, eq=False)
class Steps(Generic[_Target, _Answer]):
    """The steps of an attempt at one kind of request.

    Attributes:
        attempt: Makes one attempt at a target.
        corrected: Returns the target without the cause of a failure, to try at once; None if
            nothing can be changed. It is called once for each class of failures.
        before_retry: Returns the target for an attempt after a wait.

    """

    attempt: Callable[[_Target], _Answer]
    corrected: Callable[[_Target, ChatdError], _Target | None]
    before_retry: Callable[[_Target, ChatdError], _Target]


class AttemptLoop:
    """Repeat attempts.

    Args:
        circuits: The circuit breakers.

    """

    def __init__(self, circuits: CircuitBreakers) -> None:
        self._circuits = circuits

    def run(
        self,
        target: _Target,
        window: AttemptWindow,
        retries: Retries,
        steps: Steps[_Target, _Answer],
    ) -> _Answer:
        """Make attempts until one succeeds.

        Args:
            target: The model, key, dialect and request.
            window: The time for the attempts; its target is the one of the current attempt.
            retries: The retries that are left.
            steps: The steps of an attempt.

        Returns:
            The result of the successful attempt.

        Raises:
            ChatdError: The failure of the last attempt, with a message for the caller.

        """
        call, record = window.context.call, window.context.record
        corrected_errors: set[type[ChatdError]] = set()
        while True:
            named_model = target.served.model if target.route.named else None
            record.start_attempt(target.served.provider, named_model)
            try:
                return self._circuits.guarded(
                    target.circuit, partial(steps.attempt, target), window.source_of
                )
            except NoHealthyProviderError as closed:
                raise attributed(closed, target) from None
            except ChatdError as error:
                changed = None
                if not window.begin_by.spent and type(error) not in corrected_errors:
                    corrected_errors.add(type(error))
                    changed = steps.corrected(target, error)
                if changed is not None:
                    target = window.target = changed
                    record.fail_attempt(error)
                    continue
                wait = retries.pause(error, window.begin_by)
                if wait is None or self._circuits.is_open(target.circuit):
                    raise
                if call.cancelled.wait(wait) or window.begin_by.spent:
                    raise
                record.waited_ms += wait * 1000
                record.fail_attempt(error)
                target = window.target = steps.before_retry(target, error)


def attributed(error: ChatdError, target: ModelTarget) -> ChatdError:
    """Put the provider's name into the error; take the key and quotes of the request out."""
    from chatd.credentials.redaction import redacted  # noqa: PLC0415  # 2 ms of a start; only failures need it

    error.provider = target.served.provider
    error.message, code = redacted(
        [f"{error.provider}: {error.message}", error.code],
        secrets=target.secrets,
        prompts=target.words(),
        kept=(target.served.model, target.served.provider, REPORTED),
    )
    error.args = (error.message,)
    if error.code != code:
        error.code = error.default_code
    return error
