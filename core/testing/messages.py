"""Messages to hand to notification channels: plain ones, and what a hostile core makes of one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from hookspecs import Message, Recipient

__all__ = ["a_message", "hostile_messages"]

LINES: Final = 4_000
_WORDS: Final = "Grüße, 你好, שלום, \N{WAVING HAND SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}"


def a_message(address: str, **more: Any) -> Message:
    """Return a message to an address, with an id of its own."""
    text = "Thank you, Anna & Co.\n\n2 pots of Tea <green>\n"
    return Message(
        id=more.pop("id", f"0199-{uuid.uuid4().hex[:12]}"),
        event=more.pop("event", "order_placed"),
        tenant="default",
        to=more.pop("to", Recipient(address=address, name="Anna Example", locale="de")),
        subject=more.pop("subject", "Your order 7QK3M-9T2XA"),
        text=more.pop("text", text),
        data=MappingProxyType({"number": "7QK3M-9T2XA"}),
        **more,
    )


def hostile_messages(address: str) -> Iterator[tuple[str, Message]]:
    """Yield what a customer could have made of a message, with a few words on what is odd."""
    forged = "\r\nBcc: victim@elsewhere.example"
    for sign, words in (("\r\n", "CR and LF"), ("\n", "LF"), ("\r", "CR"), ("\0", "NUL")):
        injected = forged.replace("\r\n", sign)
        yield f"{words} in the subject", a_message(address, subject=f"Order{injected}")
        yield f"{words} in the name", _to(address, name=f"Anna{injected}")
        yield f"{words} in the address", _to(f"{address}{injected}")
    yield "no address", _to("")
    yield "two addresses", _to(f"{address}, victim@elsewhere.example")
    yield "an address of 10,000 letters", _to("a" * 10_000 + address)
    yield "an address in another script", _to(f"ä{address}")
    yield "a quoted name", _to(address, name='Anna" <victim@elsewhere.example>, "x')
    yield "no name and an odd language", _to(address, locale="tlh", time_zone="Mars/Olympus")
    yield "nothing to say", a_message(address, subject="", text="")
    yield "every script", a_message(address, subject=_WORDS, text=f"{_WORDS}\n")
    yield "a very long text", a_message(address, text=f"{_WORDS}\n" * LINES)
    yield "one very long line", a_message(address, text="x" * 20_000)
    yield "a very long subject", a_message(address, subject="Order " * 500)
    yield "half a character", a_message(address, subject="\ud83d", text="\ud83d \udc4b")
    yield "lines that end a mail", a_message(address, text="one\n.\n..\nQUIT\nFrom me\n")
    yield "a template in the text", a_message(address, text="{{ settings }} {% now %} ${x} %s")
    yield "markup in the text", a_message(address, text="<script>alert(1)</script> & <b>")
    yield "dressed already", a_message(address, html="<p>Thank you &amp; <b>Anna</b></p>")
    yield "an odd id", a_message(address, id="a b@c>\u202e" + "x" * 200)


def _to(address: str, **more: Any) -> Message:
    return replace(a_message(address), to=Recipient(address=address, **more))
