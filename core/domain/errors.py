"""Every refusal of the core, as one tree drawn at the top; HTTP statuses live in ``http/errors``.

OrderloomError
├── Refusal                      the shop says no; nothing was written
│   ├── InvalidInput             INVALID_INPUT            a value that can't be read or isn't allowed
│   ├── NotFound                 NOT_FOUND
│   ├── EmptyOrder               EMPTY_ORDER
│   ├── TooManyLines             TOO_MANY_LINES
│   ├── InvalidQuantity          INVALID_QUANTITY
│   ├── UnknownProduct           UNKNOWN_PRODUCT
│   ├── ProductNotForSale        PRODUCT_NOT_FOR_SALE     a draft, or retired without agreed terms
│   ├── CurrencyMismatch         NO_PRICE_IN_CURRENCY
│   ├── OutOfStock               OUT_OF_STOCK
│   ├── TotalNotPositive         TOTAL_NOT_POSITIVE
│   ├── TotalChanged             TOTAL_CHANGED
│   ├── CouponRefused            COUPON_…                 a code, see domain/coupons
│   ├── TermsNotAllowed          TERMS_NOT_ALLOWED
│   ├── UnknownCustomer          UNKNOWN_CUSTOMER
│   ├── NameTaken                NAME_TAKEN               a name, sku or ref that has to be unique
│   ├── PriceNotPositive         PRICE_NOT_POSITIVE
│   ├── PricesOverlap            PRICES_OVERLAP           two for one quantity at one moment
│   ├── NotPublishable           NOT_PUBLISHABLE          something is lacking that a buyer needs
│   ├── WrongState               WRONG_STATE              not from where it stands
│   ├── IdempotencyConflict      IDEMPOTENCY_KEY_REUSED   same key, other content
│   ├── KeyMissing               IDEMPOTENCY_KEY_MISSING
│   ├── RequestRunning           REQUEST_RUNNING          the first one is still under way
│   ├── ConcurrentChange         CONCURRENT_CHANGE        somebody else moved it first
│   ├── UnknownStrategy          UNKNOWN_PAYMENT_STRATEGY
│   ├── AmountNotAccepted        AMOUNT_NOT_ACCEPTED
│   ├── NothingToPay             NOTHING_TO_PAY
│   ├── NothingToRefund          NOTHING_TO_REFUND
│   ├── NothingToCapture         NOTHING_TO_CAPTURE
│   ├── NothingToVoid            NOTHING_TO_VOID
│   ├── AmountTooHigh            AMOUNT_TOO_HIGH          more than is left to pay, take or give back
│   ├── FeatureMissing           FEATURE_NOT_SUPPORTED    not in parts, or not more than once
│   ├── PaymentUndecided         PAYMENT_UNDECIDED
│   ├── NotSupported             NOT_SUPPORTED            the strategy has no such method
│   ├── PluginUnavailable        PLUGIN_UNAVAILABLE       its code isn't loaded: names the package
│   ├── SetElsewhere             SET_ELSEWHERE            environment or settings file decide it
│   ├── InboxFull                INBOX_FULL               too many unverified webhooks wait
│   ├── PricingUnavailable       PRICING_UNAVAILABLE      a mandatory rule is gone or failed
│   └── NotAllowed               NOT_ALLOWED
└── BrokenError                  something is wrong with us or a plugin, and a person should look
    ├── RuleFailedError          RULE_FAILED              a pricing rule broke its contract
    └── PluginFailedError        PLUGIN_FAILED            a plugin raised, or answered nonsense
        └── PluginNotAskedError  PLUGIN_FAILED            it is busy or rests: nothing was called
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class OrderloomError(Exception):
    """What goes wrong in words: a stable ``code``, a sentence, and plain ``details``."""

    code: ClassVar[str] = "ERROR"

    def __init__(self, text: str, **details: Any) -> None:
        super().__init__(text)
        self.text = text
        self.details: Mapping[str, Any] = MappingProxyType(details)


class Refusal(OrderloomError):  # noqa: N818 - refusals are statements
    """The shop says no. Nothing was written."""

    code = "REFUSED"


class InvalidInput(Refusal):
    """A value that can't be read, or isn't allowed; ``details["field"]`` says which."""

    code = "INVALID_INPUT"


class NotFound(Refusal):
    """No such thing, or none that you may see: the two can't be told apart."""

    code = "NOT_FOUND"


class EmptyOrder(Refusal):
    """An order needs a line."""

    code = "EMPTY_ORDER"


class TooManyLines(Refusal):
    """More lines than one order may have."""

    code = "TOO_MANY_LINES"


class InvalidQuantity(Refusal):
    """A quantity is a whole number of at least 1."""

    code = "INVALID_QUANTITY"


class UnknownProduct(Refusal):
    """No product has this sku."""

    code = "UNKNOWN_PRODUCT"


class ProductNotForSale(Refusal):
    """A draft, or a retired product without agreed terms."""

    code = "PRODUCT_NOT_FOR_SALE"


class CurrencyMismatch(Refusal):
    """The product has no price in the order's currency."""

    code = "NO_PRICE_IN_CURRENCY"


class OutOfStock(Refusal):
    """Fewer units available than wanted; ``details["skus"]`` names what was short."""

    code = "OUT_OF_STOCK"


class TotalNotPositive(Refusal):
    """An order costs something."""

    code = "TOTAL_NOT_POSITIVE"


class TotalChanged(Refusal):
    """The total is no longer what the customer confirmed; ``details`` hold both, in minor units."""

    code = "TOTAL_CHANGED"


class TermsNotAllowed(Refusal):
    """Agreed prices come from staff and imports only."""

    code = "TERMS_NOT_ALLOWED"


class UnknownCustomer(Refusal):
    """No customer has this ref."""

    code = "UNKNOWN_CUSTOMER"


class NameTaken(Refusal):
    """A name, sku or ref that has to be unique is in use; ``details["field"]`` says which."""

    code = "NAME_TAKEN"


class WrongState(Refusal):
    """Not from where it stands: ``details`` hold ``status`` and what was wanted."""

    code = "WRONG_STATE"


class IdempotencyConflict(Refusal):
    """The key was used before, with other content."""

    code = "IDEMPOTENCY_KEY_REUSED"


class KeyMissing(Refusal):
    """Whatever takes money or stock needs an Idempotency-Key."""

    code = "IDEMPOTENCY_KEY_MISSING"


class RequestRunning(Refusal):
    """The first request with this key is still under way."""

    code = "REQUEST_RUNNING"


class ConcurrentChange(Refusal):
    """Somebody else moved it first, several times over: try again."""

    code = "CONCURRENT_CHANGE"


class UnknownStrategy(Refusal):
    """No such way to pay is offered."""

    code = "UNKNOWN_PAYMENT_STRATEGY"


class AmountNotAccepted(Refusal):
    """The way to pay doesn't take this amount or currency."""

    code = "AMOUNT_NOT_ACCEPTED"


class NothingToPay(Refusal):
    """The order is paid, or over."""

    code = "NOTHING_TO_PAY"


class NothingToRefund(Refusal):
    """Nothing captured is left to give back."""

    code = "NOTHING_TO_REFUND"


class NothingToCapture(Refusal):
    """Nothing authorised is left to take."""

    code = "NOTHING_TO_CAPTURE"


class NothingToVoid(Refusal):
    """Nothing is authorised, and no customer is waited for."""

    code = "NOTHING_TO_VOID"


class AmountTooHigh(Refusal):
    """More than is left; ``details``: ``amount_minor`` and ``most_minor``, in minor units."""

    code = "AMOUNT_TOO_HIGH"


class FeatureMissing(Refusal):
    """This way to pay can't do it in parts; ``details["feature"]`` names what it lacks."""

    code = "FEATURE_NOT_SUPPORTED"


class PaymentUndecided(Refusal):
    """A charge is being confirmed: until it is known, no other one begins."""

    code = "PAYMENT_UNDECIDED"


class NotSupported(Refusal):
    """This way to pay has no such command."""

    code = "NOT_SUPPORTED"


class PluginUnavailable(Refusal):
    """The plugin's code isn't loaded; ``details`` name ``plugin`` and ``distribution``."""

    code = "PLUGIN_UNAVAILABLE"


class SetElsewhere(Refusal):
    """The environment or a settings file decides it; ``details["fields"]`` map to the source."""

    code = "SET_ELSEWHERE"


class InboxFull(Refusal):
    """An endpoint keeps as many unverified webhooks as it may."""

    code = "INBOX_FULL"


class PricingUnavailable(Refusal):
    """A rule that prices need is gone, or failed; ``details["plugin"]`` names it."""

    code = "PRICING_UNAVAILABLE"


class NotAllowed(Refusal):
    """You may not do this."""

    code = "NOT_ALLOWED"


class BrokenError(OrderloomError):
    """Something is wrong with us or with a plugin."""

    code = "BROKEN"


class RuleFailedError(BrokenError):
    """A pricing rule broke its contract; ``details`` name ``rule`` and ``plugin``."""

    code = "RULE_FAILED"


class PluginFailedError(BrokenError):
    """A plugin raised or answered nonsense; ``details``: ``plugin``, ``hook``, ``offer``, ``cause``."""

    code = "PLUGIN_FAILED"


class PluginNotAskedError(PluginFailedError):
    """A plugin is busy or rests after failures: nothing was called; try again later."""
