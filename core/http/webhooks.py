"""Where providers' webhooks come in: stored raw, answered at once, made sense of later."""

from __future__ import annotations

from typing import Final, cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from core.application.receive_webhook import receive_webhook
from core.application.refresh_registry import refresh_registry
from core.context import TenantRef, acting_for
from core.domain.errors import InboxFull, NotFound, PluginUnavailable
from core.hooks.registry import Registry
from core.http.auth import DoorRequest
from core.http.errors import BODY_TOO_LARGE, UNAVAILABLE, problem
from core.models import WebhookEndpoint

LARGEST: Final = 65_536
"""Bytes of a webhook's body: what is larger is nobody's webhook."""

_KEPT_BACK: Final = ("authorization", "cookie", "x-orderloom-")
"""Beginnings of names that aren't stored: what is secret, and what only the core may say."""


@csrf_exempt
def webhook(request: HttpRequest, plugin: str, endpoint: str) -> HttpResponse:
    """Store what came in. Without the plugin's code it is stored too, and 503 asks for it again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST or len(request.body) > LARGEST:
        return problem(BODY_TOO_LARGE, details={"limit": LARGEST})
    owner = (
        WebhookEndpoint.objects.across_tenants()
        .filter(pk=endpoint, plugin=plugin)
        .select_related("tenant")
        .first()
    )
    if owner is None:
        return problem(NotFound.code)
    headers = {
        name.lower(): text
        for name, text in request.headers.items()
        if not name.lower().startswith(_KEPT_BACK)
    }
    tenant = TenantRef(id=owner.tenant.id, slug=owner.tenant.slug)
    try:
        with acting_for(tenant):
            receive_webhook(
                plugin=plugin,
                endpoint_id=endpoint,
                body=request.body,
                headers=headers,
                now=timezone.now(),
            )
    except InboxFull as full:
        return problem(full.code, full.text)
    try:
        _registry_of(request, tenant).reading_webhooks(plugin)
    except PluginUnavailable:
        return problem(UNAVAILABLE, "It is kept until the plugin is back.")
    return HttpResponse(b'{"stored":true}', content_type="application/json")


def _registry_of(request: HttpRequest, tenant: TenantRef) -> Registry:
    """The endpoint says whose webhook it is, whatever shop the address was asked for."""
    pinned = cast(DoorRequest, request).registry
    return pinned if pinned.tenant == tenant.slug else refresh_registry(tenant=tenant.slug)
