"""Plugins that failed too often, and what their calls took."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orderloom", "0005_catalogue"),
    ]

    operations = [
        migrations.CreateModel(
            name="PluginCalls",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("plugin", models.CharField(max_length=100)),
                ("version", models.CharField(max_length=40)),
                ("hook", models.CharField(max_length=60)),
                ("offer", models.CharField(max_length=60)),
                ("bucket", models.SmallIntegerField()),
                ("calls", models.BigIntegerField()),
                ("failures", models.BigIntegerField()),
                ("seconds", models.FloatField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "plugin", "version", "hook", "offer", "bucket"),
                        name="plugin_calls_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PluginHealth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("plugin", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=20)),
                ("account", models.CharField(default="", max_length=200)),
                ("version", models.CharField(max_length=40)),
                ("is_open", models.BooleanField(default=False)),
                ("wait", models.FloatField(default=0.0)),
                ("due_at", models.DateTimeField(null=True)),
                ("ticket", models.BigIntegerField(default=0)),
                ("opened_at", models.DateTimeField(null=True)),
                ("opened_before_at", models.DateTimeField(null=True)),
                ("quarantined_at", models.DateTimeField(null=True)),
                ("cause", models.CharField(default="", max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plugin", "kind", "account"), name="plugin_health_once"
                    )
                ],
            },
        ),
    ]
