"""Coupons, and which order used which."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import core.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("orderloom", "0003_switches"),
    ]

    operations = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                ("valid_from", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
                ("most_uses", models.BigIntegerField(null=True)),
                ("most_per_customer", models.IntegerField(null=True)),
                ("uses", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orderloom.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CouponUse",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.models.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("who", models.CharField(max_length=64)),
                ("turn", models.IntegerField(null=True)),
                ("given_back_at", models.DateTimeField(null=True)),
                (
                    "coupon",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses_made",
                        to="orderloom.coupon",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orderloom.order",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orderloom.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.UniqueConstraint(
                fields=("tenant", "code"), name="coupon_code_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("uses__gte", 0),
                    models.Q(
                        ("most_uses", None), ("uses__lte", models.F("most_uses")), _connector="OR"
                    ),
                ),
                name="coupon_uses_within_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("most_per_customer", None), ("most_per_customer__gt", 0), _connector="OR"
                ),
                name="coupon_limit_per_customer_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponuse",
            constraint=models.UniqueConstraint(
                fields=("order", "coupon"), name="coupon_once_per_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="couponuse",
            constraint=models.UniqueConstraint(
                condition=models.Q(("given_back_at", None)),
                fields=("coupon", "who", "turn", "tenant"),
                name="coupon_turn_unique",
            ),
        ),
    ]
