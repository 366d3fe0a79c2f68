"""The packages of the documents are run where they are installed, not collected from here."""

from __future__ import annotations

collect_ignore = ["payment", "pricing", "notification", "warmer"]
