"""Categories as rows, families of variants, prices beside a product's own, accountable stock."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.utils.text import slugify

import core.domain.lifecycle

# What there was before receipts came and orders went.
OPENING = """
UPDATE orderloom_stock SET opening = on_hand
  - coalesce((SELECT sum(r.quantity) FROM orderloom_stockreceipt r
              WHERE r.product_id = orderloom_stock.product_id), 0)
  + coalesce((SELECT sum(l.quantity) FROM orderloom_orderline l
              JOIN orderloom_order o ON o.id = l.order_id
              WHERE o.stock = 'SHIPPED' AND l.product_id = orderloom_stock.product_id), 0)
"""


def name_categories(apps: Any, schema_editor: Any) -> None:
    """Make a row of each category that products name."""
    using = schema_editor.connection.alias
    products = apps.get_model("orderloom", "Product").objects.using(using)
    rows = apps.get_model("orderloom", "Category").objects.using(using)
    named: set[tuple[int, str]] = set()
    for tenant, names in products.values_list("tenant_id", "categories").iterator():
        named.update((tenant, str(name)[:100]) for name in names)
    slugs: set[tuple[int, str]] = set()
    for tenant, name in sorted(named):
        wanted = slug = slugify(name, allow_unicode=True)[:90] or "category"
        n = 1
        while (tenant, slug) in slugs:
            n += 1
            slug = f"{wanted}-{n}"
        slugs.add((tenant, slug))
        rows.create(tenant_id=tenant, name=name, slug=slug)


class Migration(migrations.Migration):
    dependencies = [
        ("orderloom", "0004_coupons"),
    ]

    operations = [
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("from_quantity", models.BigIntegerField(default=1)),
                ("minor", models.BigIntegerField()),
                ("valid_from", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="product",
            name="variant",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="stock",
            name="opening",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="stockreceipt",
            name="counted",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="product",
            name="price_minor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="stockreceipt",
            name="key",
            field=models.CharField(max_length=300),
        ),
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("slug", models.CharField(max_length=100)),
                ("position", models.IntegerField(default=0)),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orderloom.category",
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
            options={"verbose_name_plural": "categories"},
        ),
        migrations.CreateModel(
            name="Family",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("options", models.JSONField()),
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
            options={"verbose_name_plural": "families"},
        ),
        migrations.AddField(
            model_name="product",
            name="family",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="orderloom.family",
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.UniqueConstraint(
                condition=models.Q(("variant", ""), _negated=True),
                fields=("tenant", "family", "variant"),
                name="product_variant_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status", core.domain.lifecycle.ProductStatus["PUBLISHED"]), _negated=True
                    ),
                    ("price_minor__isnull", False),
                    _connector="OR",
                ),
                name="product_published_has_price",
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="prices",
                to="orderloom.product",
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="tenant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="orderloom.tenant",
            ),
        ),
        migrations.AddConstraint(
            model_name="category",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="category_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="category",
            constraint=models.UniqueConstraint(
                fields=("tenant", "slug"), name="category_slug_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="category",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("parent__isnull", True),
                    models.Q(("parent", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="category_not_below_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="family",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="family_name_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(
                fields=["product", "currency", "from_quantity"], name="price_of_product"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("minor__gt", 0)), name="price_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_quantity__gte", 1)), name="price_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__isnull", True),
                    ("valid_until__isnull", True),
                    ("valid_until__gt", models.F("valid_from")),
                    _connector="OR",
                ),
                name="price_ends_after_it_begins",
            ),
        ),
        migrations.RunSQL(OPENING, migrations.RunSQL.noop),
        migrations.RunPython(name_categories, migrations.RunPython.noop),
    ]
