"""Look at payments and at money at risk, and record what a person found out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.application.money_at_risk import AtRisk, money_at_risk
from core.application.payment_history import payment_history
from core.application.resolve_payment import ResolvePayment, resolve_payment
from core.domain.errors import NotFound
from core.management.asking import AskingCommand, read_uuid
from core.models import Payment
from hookspecs import FactKind, Money

_NOTHING = "NOTHING"


class Command(AskingCommand):
    """`payments show ORDER|PAYMENT|--at-risk`, `payments resolve PAYMENT --fact … --reason …`."""

    help = (
        "Show payments and money at risk; resolve what only a person can. Exit code 1 if refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        show = verbs.add_parser("show", help="what is known of payments")
        which = show.add_mutually_exclusive_group(required=True)
        which.add_argument("name", nargs="?", metavar="ORDER|PAYMENT", help="an id, or a number")
        which.add_argument("--at-risk", action="store_true", help="all that waits for a person")
        resolve = verbs.add_parser("resolve", help="record what a person found out")
        resolve.add_argument("payment", metavar="PAYMENT", help="its id")
        resolve.add_argument(
            "--fact",
            required=True,
            choices=[kind.value for kind in FactKind] + [_NOTHING],
            metavar="FACT",
            help=f"CAPTURED, REFUNDED, CAPTURE_FAILED …; {_NOTHING}: the command in doubt did "
            "nothing, or nothing is left to do",
        )
        resolve.add_argument("--amount", help="in the payment's currency, such as 19.99")
        resolve.add_argument("--object", default="", help="the provider's name of what happened")
        resolve.add_argument("--of", help="the provider's name of what it belongs to")
        resolve.add_argument("--reason", required=True, help="goes into the order's journal")
        self.shared(show)
        self.shared(resolve)

    def answer(self, options: dict[str, Any]) -> None:
        """Show, or resolve."""
        if options["verb"] == "resolve":
            self._resolve(options)
        elif options["at_risk"]:
            found = money_at_risk(now=timezone.now())
            none = ["Nothing waits for a person."]
            lines = [_risk(one) for one in found] or none
            self.say(options, [asdict(one) for one in found], lines)
        else:
            told = payment_history(options["name"])
            self.say(options, told, (line for one in told for line in _lines(one)))

    def _resolve(self, options: dict[str, Any]) -> None:
        payment_id, fact = read_uuid(options["payment"]), options["fact"]
        step = resolve_payment(
            ResolvePayment(
                payment_id=payment_id,
                reason=options["reason"],
                kind=None if fact == _NOTHING else FactKind(fact),
                amount=_amount(options["amount"], payment_id),
                object_id=options["object"],
                parent_id=options["of"],
            ),
            now=timezone.now(),
        )
        said = f"Payment {step.payment_status}, order {step.order_status}."
        self.say(options, asdict(step), [said])


def _amount(text: str | None, payment_id: Any) -> Money | None:
    if text is None:
        return None
    payment = Payment.objects.filter(pk=payment_id).only("currency").first()
    if payment is None:
        raise NotFound("There is no such payment.")
    try:
        return Money.parse(text, payment.currency)
    except ValueError as error:
        raise CommandError(f"{text} is no amount in {payment.currency}: {error}") from error


def _risk(one: AtRisk) -> str:
    where = one.payment_id or one.entry_id
    amount = str(one.amount) if one.amount is not None else ""
    said = (f"{one.since:%Y-%m-%d %H:%M}", one.risk.value, one.order_number, str(where), amount)
    return "  ".join(part for part in (*said, one.text) if part)


def _lines(told: dict[str, Any]) -> Iterator[str]:
    currency = told["currency"]

    def shown(minor: int) -> str:
        return str(Money(minor, currency))

    yield f"{told['payment']}  {told['status']}  {shown(told['amount_minor'])}"
    yield f"  order     {told['number']} {told['order_status']}"
    yield f"  strategy  {told['strategy']} of {told['plugin']} {told['version']}"
    yield f"  reference {told['reference'] or 'none'}"
    for name in ("authorized", "captured", "refunded"):
        yield f"  {name:<9} {shown(told[f'{name}_minor'])}"
    for one in told["operations"]:
        cause = (one["outcome"] or {}).get("cause") or (one["outcome"] or {}).get("text", "")
        yield f"  command   {one['verb']} {one['status']} {shown(one['amount_minor'])} {cause}".rstrip()
    for one in told["facts"]:
        amount = Money(one["amount_minor"], one["currency"])
        yield f"  fact      {one['kind']} {amount} {one['object']} ({one['source'].lower()})"
    for one in told["incidents"]:
        yield f"  incident  {one['code']}: {one['text']}"
