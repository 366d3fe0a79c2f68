"""What the payment contract suite is told about a provider, and how it pays through a strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from django.db import connection

from core.domain.payments import Folded, fold
from core.testing.orders import ANNA
from core.testing.payment_requests import Asking
from core.testing.plugin_cases import PluginCases, at_once, not_applicable
from hookspecs import (
    ClientConfirm,
    Customer,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    InProgress,
    Money,
    NeedsCustomer,
    PaymentStrategy,
    ReadsWebhooks,
    Redirect,
    Resumes,
    Show,
    StartRequest,
    Webhook,
)

__all__ = ["Moved", "PaymentAdapter", "at_once", "not_applicable", "watching_tables"]

_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One movement in the provider's own ledger."""

    kind: Literal["CHARGE", "REFUND"]
    payment_id: str
    amount: Money


class PaymentAdapter(PluginCases):
    """What a test class says of its provider: override what it can do.

    ``plugin`` is the entry point's name, for the report. ``signed_webhooks`` is false where the
    provider signs nothing, ``dated_webhooks`` where what it signs bears no time.
    """

    contract: ClassVar[str] = "payment"
    signed_webhooks: ClassVar[bool] = True
    dated_webhooks: ClassVar[bool] = True
    amount: ClassVar[Money] = Money(1999, "EUR")
    tested: Any

    @pytest.fixture(autouse=True)
    def _take_strategy(self, strategy: PaymentStrategy) -> None:
        self.tested = strategy

    # To be overridden

    def ledger(self) -> Sequence[Moved]:
        """Return what moved at the provider: the outside truth that cases judge by."""
        raise NotImplementedError("say what the provider's ledger holds")

    def approve(self, payment_id: str, action: Redirect | ClientConfirm | Show) -> None:
        """Do what a willing customer does."""
        not_applicable(f"{self.code} asks customers for nothing ({payment_id}, {action})")

    def inputs(self, amount: Money) -> Mapping[str, str]:  # noqa: ARG002 - for those who need it
        """Return what a customer types in before paying ``amount``."""
        return {}

    def customer(self) -> Customer:
        """Return who pays: somebody whom the strategy accepts, a guest unless you say."""
        return ANNA

    def lose_next_answer(self) -> None:
        """Have the next command carried out, and its answer lost on the way."""
        not_applicable("no answer can get lost")

    def find_answers_again(self) -> None:
        """Let answers through again."""

    def requests_seen(self) -> int | None:
        """Return how many requests have reached the provider, or None where nobody counts."""
        return None

    def webhooks(self, payment_id: str) -> Sequence[Webhook]:
        """Return what the provider has sent about a payment."""
        not_applicable(f"{self.code} sends no webhooks ({payment_id})")

    # How cases ask

    @property
    def code(self) -> str:
        """The strategy's code."""
        return str(self.tested.info.code)

    def has(self, part: type[Any], feature: Feature | None = None) -> bool:
        """Say whether the strategy plays a part."""
        return isinstance(self.tested, part) and (
            feature is None or feature in self.tested.info.features
        )

    def need(self, part: type[Any], feature: Feature | None = None) -> None:
        """End the case where the strategy doesn't play this part."""
        if not self.has(part, feature):
            named = part.__name__ if feature is None else f"{part.__name__}, {feature}"
            not_applicable(f"{self.code} isn't {named}")

    def asking(self, amount: Money | None = None) -> Asking:
        """Return a payment that nobody has heard of yet."""
        wanted = amount or self.amount
        taken = self.tested.info.currencies
        if taken is not None and wanted.currency not in taken:
            not_applicable(f"{self.code} doesn't take {wanted.currency}")
        return Asking(wanted, inputs=self.inputs(wanted), customer=self.customer())

    def start(self, request: StartRequest) -> Any:
        """Start, and end the case where the strategy says that it doesn't do this."""
        answer = self.tested.start(request, self.call())
        if isinstance(answer, Declined) and answer.code is DeclineCode.NOT_SUPPORTED:
            said = f"{answer.code} {answer.text}".strip()
            not_applicable(f"{self.code}, asked for {request.amount}, declined: {said}")
        return answer

    def pay(self, asking: Asking, *, capture_now: bool = True) -> tuple[Fact, ...]:
        """Pay from beginning to end; return every fact that was told."""
        return self.finish(asking, self.start(asking.start(capture_now=capture_now)), capture_now)

    def finish(self, asking: Asking, answer: Any, capture_now: bool = True) -> tuple[Fact, ...]:
        """Go on from an answer until the money is taken, or held."""
        wanted = FactKind.CAPTURED if capture_now else FactKind.AUTHORIZED
        facts: dict[Fact, None] = {}
        for _ in range(_ROUNDS):
            assert isinstance(answer, Done | NeedsCustomer | InProgress), answer
            asking.reference = answer.reference or asking.reference
            facts |= dict.fromkeys(answer.facts)
            if any(fact.kind is wanted for fact in facts):
                return tuple(facts)
            answer = self._next(asking, answer, capture_now)
        pytest.fail(f"still not paid after {_ROUNDS} rounds: {answer}")

    def _next(self, asking: Asking, answer: Any, capture_now: bool) -> Any:
        if isinstance(answer, NeedsCustomer):
            self.approve(asking.payment_id, answer.action)
            if self.has(ReadsWebhooks, Feature.MANUAL):
                return Done(facts=self.told(asking.payment_id))
        approved = any(fact.kind is FactKind.APPROVED for fact in answer.facts)
        if self.has(Resumes) and (approved or isinstance(answer, NeedsCustomer)):
            return self.tested.resume(asking.resume(capture_now=capture_now), self.call())
        return self.tested.inquire(asking.inquire(), self.call())

    def told(self, payment_id: str) -> tuple[Fact, ...]:
        """Return the facts that webhooks tell of a payment."""
        answers = [self.tested.read_webhook(one, self.call()) for one in self.webhooks(payment_id)]
        return tuple(fact for notices in answers for notice in notices for fact in notice.facts)

    def use(self) -> Iterable[Any]:
        """Pay, look it up, and come too late."""
        asking = self.asking()
        yield from self.pay(asking)
        yield self.tested.inquire(asking.inquire(), self.call())
        yield self.tested.start(self.asking().start(), self.call(-1))

    # How cases judge

    def folded(self, asking: Asking, facts: Sequence[Fact]) -> Folded:
        """Return what facts amount to."""
        return fold(facts, asked=asking.amount, account=self.tested.info.account)

    def charges(self, asking: Asking) -> list[Money]:
        """Return what the ledger says was taken for a payment."""
        return self._moved("CHARGE", asking)

    def refunds(self, asking: Asking) -> list[Money]:
        """Return what the ledger says was given back of a payment."""
        return self._moved("REFUND", asking)

    def _moved(self, kind: str, asking: Asking) -> list[Money]:
        return [
            one.amount
            for one in self.ledger()
            if one.kind == kind and one.payment_id == asking.payment_id
        ]

    def capture_id(self, facts: Sequence[Fact]) -> str:
        """Return the name of what was captured."""
        return next(fact.object_id for fact in facts if fact.kind is FactKind.CAPTURED)


@contextmanager
def watching_tables() -> Iterator[list[str]]:
    """Collect the statements that touch a table of the core."""
    touched: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "orderloom_" in sql:
            touched.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        yield touched
