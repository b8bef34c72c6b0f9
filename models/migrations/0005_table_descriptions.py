"""Tables are described in other words; nothing changes in the database."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0004_address_bookings')]

    initial = False

    operations = [
        ops.AlterModelOptions(
            name='AddressBooking',
            options={'table': 'address_booking', 'app': 'models', 'indexes': [Index(fields=['business_id', 'address', 'made_at']), Index(fields=['made_at'])], 'pk_attr': 'id', 'table_description': 'One booking that an address made. `address` is a keyed hash.'},
        ),
        ops.AlterModelOptions(
            name='Booking',
            options={'table': 'booking', 'app': 'models', 'unique_together': (('business', 'reference'),), 'indexes': [Index(fields=['business_id', 'starts_at', 'ends_at', 'id']), Index(fields=['business_id', 'ends_at']), Index(fields=['business_id', 'created_at', 'id']), Index(fields=['business_id', 'updated_at', 'id']), Index(fields=['option_id', 'starts_at']), Index(fields=['hold_id'])], 'pk_attr': 'id', 'table_description': "One booking. Its buffers stay those it was made with. `version` rises when a client's edit changes it."},
        ),
        ops.AlterModelOptions(
            name='BookingHistory',
            options={'table': 'booking_history', 'app': 'models', 'indexes': [Index(fields=['booking_id', 'id'])], 'pk_attr': 'id', 'table_description': "One entry of a booking's history: who did what, with the values before and after."},
        ),
        ops.AlterModelOptions(
            name='BookingWord',
            options={'table': 'booking_word', 'app': 'models', 'indexes': [Index(fields=['business_id', 'word']), Index(fields=['booking_id'])], 'pk_attr': 'id', 'table_description': 'One word by which a search finds a booking.'},
        ),
        ops.AlterModelOptions(
            name='Business',
            options={'table': 'business', 'app': 'models', 'pk_attr': 'id', 'table_description': 'One business. `revision` is that of the newest entry of its log. A lock on this row locks the business.'},
        ),
        ops.AlterModelOptions(
            name='Change',
            options={'table': 'change', 'app': 'models', 'unique_together': (('business', 'revision'),), 'pk_attr': 'id', 'table_description': "One entry of a business's log. `option_ids` are the options that it concerns, those before the change included."},
        ),
        ops.AlterModelOptions(
            name='Claim',
            options={'table': 'claim', 'app': 'models', 'indexes': [Index(fields=['option_id', 'occupied_end'])], 'pk_attr': 'id', 'table_description': '`[occupied_start, occupied_end)` of one option. Either `booking` or `hold` is set, never both.'},
        ),
        ops.AlterModelOptions(
            name='DateOverride',
            options={'table': 'date_override', 'app': 'models', 'unique_together': (('option', 'date'),), 'pk_attr': 'id', 'table_description': 'Other opening hours for one date. `intervals` is a list of ["HH:MM", "HH:MM"]; empty means closed.'},
        ),
        ops.AlterModelOptions(
            name='GoogleAccount',
            options={'table': 'google_account', 'app': 'models', 'unique_together': (('business', 'sub'),), 'indexes': [Index(fields=['sub']), Index(fields=['leaving_at'])], 'pk_attr': 'id', 'table_description': 'One Google identity that consented: one row for each (business, Google `sub`), which several options may share.'},
        ),
        ops.AlterModelOptions(
            name='GoogleBlock',
            options={'table': 'google_block', 'app': 'models', 'unique_together': (('event', 'option'),), 'indexes': [Index(fields=['option_id', 'ends_at'])], 'pk_attr': 'id', 'table_description': "One event makes one option unavailable. Repeats the event's range, so that reading busy time needs no join."},
        ),
        ops.AlterModelOptions(
            name='GoogleBudget',
            options={'table': 'google_budget', 'app': 'models', 'pk_attr': 'scope', 'table_description': "How much of Google's request quota is used up, by one Google user (`scope` is the `sub`) or by the whole project."},
        ),
        ops.AlterModelOptions(
            name='GoogleCalendar',
            options={'table': 'google_calendar', 'app': 'models', 'unique_together': (('account', 'google_id'),), 'indexes': [Index(fields=['business_id']), Index(fields=['pull_due_at']), Index(fields=['push_due_at'])], 'pk_attr': 'id', 'table_description': 'One calendar of an account. Staff can choose it for an option; once an option is linked to it, we follow it.'},
        ),
        ops.AlterModelOptions(
            name='GoogleChannel',
            options={'table': 'google_channel', 'app': 'models', 'indexes': [Index(fields=['calendar_id'])], 'pk_attr': 'id', 'table_description': "A push channel. We store it before we ask Google to open it. `token_digest` is of the channel's own secret."},
        ),
        ops.AlterModelOptions(
            name='GoogleEvent',
            options={'table': 'google_event', 'app': 'models', 'unique_together': (('calendar', 'google_id'),), 'indexes': [Index(fields=['calendar_id', 'master_id']), Index(fields=['business_id', 'ends_at'])], 'pk_attr': 'id', 'table_description': 'One occurrence that somebody else put into a calendar we follow.'},
        ),
        ops.AlterModelOptions(
            name='GoogleLink',
            options={'table': 'google_link', 'app': 'models', 'indexes': [Index(fields=['calendar_id']), Index(fields=['account_id'])], 'pk_attr': 'id', 'table_description': 'The tie between an option and Google: the account that signed in for it and, once chosen, its calendar and rules.'},
        ),
        ops.AlterModelOptions(
            name='GoogleSignIn',
            options={'table': 'google_sign_in', 'app': 'models', 'pk_attr': 'id', 'table_description': 'One round trip to the consent page: single use, ten minutes. It has only digests of state and ticket.'},
        ),
        ops.AlterModelOptions(
            name='Hold',
            options={'table': 'hold', 'app': 'models', 'indexes': [Index(fields=['expires_at']), Index(fields=['business_id', 'ends_at']), Index(fields=['key_id', 'address'])], 'pk_attr': 'id', 'table_description': 'One hold. Booking it uses the duration and buffers that it was made with, whatever its service says by then.'},
        ),
        ops.AlterModelOptions(
            name='Option',
            options={'table': 'option', 'app': 'models', 'indexes': [Index(fields=['business_id', 'name', 'id'])], 'pk_attr': 'id', 'table_description': 'One person, room or thing. `opening_hours` is a list of [weekday 0-6 from Monday, "HH:MM", "HH:MM"].'},
        ),
        ops.AlterModelOptions(
            name='Outcome',
            options={'table': 'outcome', 'app': 'models', 'unique_together': (('key', 'mutation', 'idempotency_key'),), 'indexes': [Index(fields=['created_at'])], 'pk_attr': 'id', 'table_description': 'The outcome of the first request with this (API key, mutation, idempotency key), and the digest of its input.'},
        ),
    ]

