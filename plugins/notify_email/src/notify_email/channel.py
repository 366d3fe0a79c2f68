"""The channel: a message of ours becomes a mail, and what became of it an answer of ours."""

from __future__ import annotations

from hookspecs import Call, ChannelInfo, Delivered, Message, NotSent, Subscription, Undeliverable
from notify_email import gateway
from notify_email.letter import UnsafeMessageError, write_letter
from notify_email.settings import Settings

_EVENTS = ("order_placed", "order_paid", "order_cancelled", "order_fulfilled", "payment_refunded")

INFO = ChannelInfo(
    code="email",
    label="E-mail",
    address="email",
    subscriptions=tuple(
        Subscription(event=event, audience="customer", template=event) for event in _EVENTS
    ),
)


class Email:
    """Delivers through Django's mail. A repeat bears the same Message-ID."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def info(self) -> ChannelInfo:
        """What it is."""
        return INFO

    def deliver(self, message: Message, call: Call, /) -> Delivered:
        """Hand a mail to the server, within the time that is left."""
        if not call.seconds_left():
            return NotSent(cause="the deadline was past before anything was sent")
        try:
            letter = write_letter(message, self._settings)
        except UnsafeMessageError as error:
            return Undeliverable(cause=str(error))
        return gateway.send(letter, call)
