from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F


def hold(apps: Any, _: Any) -> None:
    """Take what is authorised for held in full: the next look at it puts it right."""
    payments = apps.get_model("orderloom", "Payment").objects
    payments.filter(status="AUTHORIZED").update(held_minor=F("amount_minor"))


class Migration(migrations.Migration):
    dependencies = [
        ("orderloom", "0006_health"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="held_minor",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="look_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("held_minor__gt", 0)),
                fields=["tenant", "plugin", "look_at"],
                name="payment_held",
            ),
        ),
        migrations.RunPython(hold, migrations.RunPython.noop),
    ]
