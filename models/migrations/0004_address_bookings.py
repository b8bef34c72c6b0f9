from tortoise import migrations
from tortoise.migrations import operations as ops
from models.storage.columns import Instant, new_id
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [("models", "0003_mirror_drift")]

    operations = [
        ops.CreateModel(
            name='AddressBooking',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('business', fields.ForeignKeyField('models.Business', source_field='business_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.CASCADE)),
                ('address', fields.CharField(max_length=64)),
                ('made_at', Instant(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'address_booking', 'app': 'models', 'indexes': [Index(fields=['business_id', 'address', 'made_at']), Index(fields=['made_at'])], 'pk_attr': 'id', 'table_description': 'One booking that an address made. `address` stands for it and cannot be read.'},
            bases=['Model'],
        ),
    ]
