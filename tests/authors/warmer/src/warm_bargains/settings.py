"""How long the list is, and in which currencies there is one."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One list for each currency that the shop sells in."""

    size: int = setting(label="Products in a list", default=10, minimum=1)
    currencies: tuple[str, ...] = setting(label="Currencies", default=("EUR",))

    def __post_init__(self) -> None:
        if self.size < 1:
            raise NotConfigured("size: a list holds at least one product")
