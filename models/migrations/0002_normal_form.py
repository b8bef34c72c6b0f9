"""Bookings say which hold they were made of.

The words that bookings are found by are made anew, in normal form; what rules find in Google events is decided anew.

Words of which only hashes are kept cannot be made anew: those calendars are listed in full.
"""

from tortoise import fields, migrations
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from tortoise.indexes import Index

from models.bookings import search
from models.storage.columns import new_id

_BATCH = 1000


async def compare_code_points(apps: StateApps, editor: BaseSchemaEditor) -> None:
    """PostgreSQL compares words as its language does, unless it is told otherwise."""
    del apps
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_query('ALTER TABLE booking_word ALTER COLUMN word TYPE VARCHAR(400) COLLATE "C"')


async def words_anew(apps: StateApps, editor: BaseSchemaEditor) -> None:
    """The words of every booking."""
    del apps
    client, after = editor.client, "00000000-0000-0000-0000-000000000000"
    await client.execute_query("DELETE FROM booking_word")
    while rows := await client.execute_query_dict(
        "SELECT id, business_id, reference, customer_name, customer_email FROM booking "  # noqa: S608
        f"WHERE id > {_place(client, 1)} ORDER BY id LIMIT {_BATCH}",
        [after],
    ):
        made = [
            [str(new_id()), str(row["business_id"]), str(row["id"]), word]
            for row in rows
            for word in search.words_of(row["reference"], row["customer_name"], row["customer_email"])
        ]
        places = ", ".join(_place(client, number) for number in range(1, 5))
        await client.execute_many(
            f"INSERT INTO booking_word (id, business_id, booking_id, word) VALUES ({places})",  # noqa: S608
            made,
        )
        after = str(rows[-1]["id"])


def _place(client: BaseDBAsyncClient, position: int) -> str:
    return f"${position}" if client.capabilities.dialect == "postgres" else "?"


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        ops.AddField('Booking', 'hold_id', fields.UUIDField(null=True)),
        ops.AddIndex('Booking', Index(fields=['hold_id'])),
        ops.AlterField('BookingWord', 'word', fields.CharField(max_length=400)),
        ops.RunPython(compare_code_points, ops.RunPython.noop),
        ops.RunPython(words_anew, ops.RunPython.noop),
        ops.RunSQL(
            "UPDATE google_calendar SET query_version = 0 WHERE id IN "
            "(SELECT calendar_id FROM google_link WHERE detail = 'BUSY_ONLY')",
            "SELECT 1",
        ),
        ops.RunSQL(
            "UPDATE google_calendar SET reroute = '[]' WHERE reroute IS NULL AND id IN "
            "(SELECT calendar_id FROM google_link WHERE blocking = 'MATCHED_EVENTS')",
            "SELECT 1",
        ),
        ops.RunSQL(
            "UPDATE google_calendar SET pull_due_at = created_at WHERE pull_due_at IS NOT NULL "
            "AND (query_version = 0 OR reroute IS NOT NULL)",
            "SELECT 1",
        ),
    ]
