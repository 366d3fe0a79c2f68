"""Register a customer, or bring what is known of one up to date."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from core.context import tenant
from core.domain.errors import InvalidInput, NameTaken
from core.models import Customer
from core.models.sheet import violated_rule
from hookspecs import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCustomer:
    """Who a customer is; ``ref`` is the shop's own name for them."""

    ref: str
    email: str = ""
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"
    groups: tuple[str, ...] = ()
    address: Address | None = None


def register_customer(command: RegisterCustomer, *, now: datetime) -> UUID:
    """Register a customer and return the id.

    Raises:
        InvalidInput: no ref, or one of control characters or over 100 letters.
        NameTaken: the ref is in use.
    """
    ref = command.ref
    if not ref.strip() or len(ref) > 100 or not ref.isprintable():
        raise InvalidInput("A customer needs a ref of 1 to 100 printable characters.", field="ref")
    customer = Customer(
        tenant_id=tenant().id,
        ref=ref,
        email=command.email,
        name=command.name,
        locale=command.locale,
        time_zone=command.time_zone,
        groups=list(command.groups),
        address=asdict(command.address) if command.address else None,
        created_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            customer.save(force_insert=True)
    except IntegrityError as exc:
        if violated_rule(exc) == "customer_ref_unique":
            raise NameTaken(f"The customer {ref} is registered already.", field="ref") from exc
        raise
    return customer.id
