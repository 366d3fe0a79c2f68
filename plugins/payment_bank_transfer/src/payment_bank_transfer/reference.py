"""Creditor references as in ISO 11649: RF, two check digits, and what they protect."""

from __future__ import annotations

import re

_LONGEST = 21
_SHAPE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
_AMID = re.compile(r"\bRF *[0-9]{2}(?:[ -]*[A-Z0-9])*")


def remainder(text: str) -> int:
    """Return the remainder by 97 of a number with its first four signs moved behind (ISO 7064)."""
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97


def reference_of(number: str) -> str:
    """Return the reference for an order's number; the same for the same number.

    Raises:
        ValueError: the number holds no letter or digit, or more than 21.
    """
    kept = re.sub(r"[^A-Z0-9]", "", number.upper())
    if not 1 <= len(kept) <= _LONGEST:
        raise ValueError(f"no reference can be made of {number!r}")
    return f"RF{98 - remainder(f'RF00{kept}'):02}{kept}"


def printed(reference: str) -> str:
    """Return a reference as people read it: in groups of four."""
    return " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))


def read_reference(text: str) -> str | None:
    """Return the reference that somebody wrote, alone or amid words, or None if there is none."""
    found = _AMID.search(text.upper())
    if found is None:
        return None
    words = re.split(r"[ -]+", found.group())
    for count in range(len(words), 0, -1):
        candidate = "".join(words[:count])
        if _SHAPE.fullmatch(candidate) and remainder(candidate) == 1:
            return candidate
    return None
