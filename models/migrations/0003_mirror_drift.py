"""Mirrors say when drift was found and put right, and which were left in Google when their option was unlinked."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.storage.columns import Instant

KEPT = """
UPDATE mirror SET kept = TRUE, present = TRUE
WHERE NOT present AND content_hash IS NOT NULL AND wanted_version = pushed_version
"""
"""What was left there before carried no mark: only of such an event was the content still known."""


class Migration(migrations.Migration):
    dependencies = [("models", "0002_normal_form")]

    operations = [
        ops.AddField("Mirror", "kept", fields.BooleanField(default=False)),
        ops.AddField("Mirror", "drift_found_at", Instant(null=True)),
        ops.AddField("Mirror", "drift_corrected_at", Instant(null=True)),
        ops.RunSQL(KEPT),
    ]
