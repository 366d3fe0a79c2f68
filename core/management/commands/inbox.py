"""Hand in a file as if its provider had sent it, and look at what came in."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.application.drain_inbox import drain_inbox
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.replay_webhook import replay_webhook
from core.domain.errors import PluginUnavailable
from core.domain.lifecycle import InboxStatus
from core.hooks.registry import Registry
from core.management.asking import AskingCommand, read_uuid
from core.models import InboxEntry

_LARGEST: Final = 10 * 1024 * 1024
_FROM_A_FILE: Final = {"x-orderloom-source": "file"}
"""Plugins believe this name: the web door never lets it in."""


class Command(AskingCommand):
    """`inbox add PLUGIN FILE`, `inbox list`, `inbox replay ID`."""

    help = "Hand in a bank's file, list what came in, read it again. Exit code 1 unless applied."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="store a file and read it at once")
        add.add_argument("plugin", metavar="PLUGIN", help="whose strategy understands it")
        add.add_argument("file", type=Path, metavar="FILE")
        listed = verbs.add_parser("list", help="what came in, the latest first, without its text")
        listed.add_argument("--status", choices=[one.value for one in InboxStatus])
        listed.add_argument("--limit", type=int, default=50)
        replay = verbs.add_parser("replay", help="read one entry again")
        replay.add_argument("entry", metavar="ID", help="as in `inbox list`")
        for verb in (add, listed, replay):
            self.shared(verb)

    def answer(self, options: dict[str, Any]) -> None:
        """Add, list or replay."""
        if options["verb"] == "list":
            entries = InboxEntry.objects.defer("body").order_by("-received_at")
            if options["status"]:
                entries = entries.filter(status=options["status"])
            told = [_told(entry) for entry in entries[: options["limit"]]]
            self.say(options, told, [_line(one) for one in told])
            return
        plugins = self.plugins(options)
        if options["verb"] == "add":
            entry = _add(options["plugin"], options["file"], plugins)
        else:
            entry = replay_webhook(read_uuid(options["entry"]), plugins=plugins, now=timezone.now())
        told_one = _told(entry)
        self.say(options, told_one, [_line(told_one)])
        if entry.status != InboxStatus.APPLIED:
            raise SystemExit(1)


def _add(plugin: str, path: Path, plugins: Registry) -> InboxEntry:
    if plugins.plugin(plugin) is None:
        raise PluginUnavailable(f"There is no plugin {plugin}.", plugin=plugin)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
    if len(body) > _LARGEST:
        raise CommandError(f"{path} is larger than {_LARGEST} bytes.")
    now = timezone.now()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    entry_id = receive_webhook(
        plugin=plugin,
        endpoint_id=webhook_endpoint(plugin=plugin, now=now),
        body=body,
        headers={"content-type": kind, **_FROM_A_FILE},
        now=now,
    )
    drain_inbox(plugins=plugins, now=now, entry_id=entry_id)
    return InboxEntry.objects.defer("body").get(pk=entry_id)


def _told(entry: InboxEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "plugin": entry.plugin,
        "received_at": entry.received_at,
        "status": entry.status,
        "attempts": entry.attempt,
        "cause": entry.cause,
    }


def _line(told: dict[str, Any]) -> str:
    said = (told["id"], f"{told['received_at']:%Y-%m-%d %H:%M}", told["plugin"], told["status"])
    return "  ".join(str(part) for part in (*said, told["cause"]) if part)
