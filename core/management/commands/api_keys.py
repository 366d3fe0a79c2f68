"""Keys for programs: create one, list them, revoke one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from pydantic_core import to_json

from core.application.issue_api_key import IssueApiKey, issue_api_key
from core.application.revoke_api_key import revoke_api_key
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import Refusal
from core.http.auth import SCOPES
from core.models import ApiKey, Tenant


class Command(BaseCommand):
    """`api_keys create --label L --scope S …`, `api_keys list`, `api_keys revoke ID`."""

    help = "Create, list and revoke the keys of programs; a key is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="a new key, shown once")
        create.add_argument("--label", required=True, help="whom it is for")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=sorted(SCOPES),
            metavar="SCOPE",
            help=f"one of {', '.join(sorted(SCOPES))}; may be given several times",
        )
        create.add_argument("--days", type=int, help="until it expires; otherwise it doesn't")
        revoke = verbs.add_parser("revoke", help="a key opens nothing from now on")
        revoke.add_argument("key_id", metavar="ID", help="as in `api_keys list`")
        for verb in (create, revoke, verbs.add_parser("list", help="all keys, without secrets")):
            verb.add_argument("--tenant", default=DEFAULT_TENANT.slug)
            verb.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        verbs = {"create": self._create, "list": self._list, "revoke": self._revoke}
        with acting_for(_tenant(options["tenant"])):
            try:
                verbs[options["verb"]](options)
            except Refusal as refusal:
                raise CommandError(f"{refusal.code}: {refusal.text}") from refusal

    def _create(self, options: dict[str, Any]) -> None:
        now, days = timezone.now(), options["days"]
        command = IssueApiKey(
            label=options["label"],
            scopes=frozenset(options["scope"]),
            expires_at=None if days is None else now + timedelta(days=days),
        )
        issued = issue_api_key(command, now=now)
        if options["json"]:
            said = {"id": issued.key_id, "key": issued.secret}
            self.stdout.write(to_json(said).decode())
            return
        self.stdout.write(f"{issued.secret}\n\nKeep it: it is shown this once. Id {issued.key_id}")

    def _list(self, options: dict[str, Any]) -> None:
        keys = [
            {
                "id": key.id,
                "label": key.label,
                "scopes": key.scopes,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "revoked_at": key.revoked_at,
            }
            for key in ApiKey.objects.order_by("created_at")
        ]
        if options["json"]:
            self.stdout.write(to_json(keys).decode())
            return
        for key in keys:
            state = "revoked" if key["revoked_at"] else "valid"
            self.stdout.write(f"{key['id']}  {state}  {key['label']}  {', '.join(key['scopes'])}")

    def _revoke(self, options: dict[str, Any]) -> None:
        try:
            key_id = UUID(options["key_id"])
        except ValueError:
            raise CommandError(f"{options['key_id']} is no id: see `api_keys list`.") from None
        revoke_api_key(key_id, now=timezone.now())
        self.stdout.write('{"revoked": true}' if options["json"] else "Revoked.")


def _tenant(slug: str) -> TenantRef:
    row = Tenant.objects.filter(slug=slug).first()
    if row is None:
        raise CommandError(f"There is no tenant {slug}.")
    return TenantRef(id=row.id, slug=row.slug)
