"""The six tables, as an author of a Django app for a shared database writes them.

The tables take the database's own collation, as Django's documentation wants it.
"""

from django.db import migrations, models
from django_wch.fields import EnumField, SecondsField, ShortTextField, UnsignedBigAutoField

# In the database itself from Django 6.1 on; before that, Django deletes the messages itself, in Python.
CASCADE = getattr(models, "DB_CASCADE", models.CASCADE)


class Migration(migrations.Migration):
    initial = True
    operations = (
        migrations.CreateModel(
            "Conversation",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("customer_phone", models.CharField(max_length=20, db_index=True)),
                ("wa_conversation_id", models.CharField(max_length=100)),
                ("status", EnumField(values=["pending", "active", "closed"], db_default="pending")),
                ("assigned_agent_id", models.PositiveBigIntegerField(null=True)),
                ("context", models.JSONField(null=True)),
                ("last_message_at", SecondsField(db_index=True)),
                ("created_at", SecondsField()),
                ("updated_at", SecondsField()),
            ],
            options={"db_table": "wp_wch_conversations"},
        ),
        migrations.CreateModel(
            "Message",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("conversation", models.ForeignKey("django_wch.Conversation", on_delete=CASCADE)),
                ("direction", EnumField(values=["inbound", "outbound"])),
                ("message_type", EnumField(values=["text", "interactive", "image", "document", "template"])),
                ("wa_message_id", models.CharField(max_length=100, unique=True)),
                ("content", models.JSONField(null=True)),
                ("status", EnumField(values=["sent", "delivered", "read", "failed"], db_default="sent")),
                ("created_at", SecondsField(db_index=True)),
            ],
            options={"db_table": "wp_wch_messages"},
        ),
        migrations.CreateModel(
            "Cart",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("customer_phone", models.CharField(max_length=20, unique=True)),
                ("items", models.JSONField(null=True)),
                ("coupon_code", models.CharField(max_length=50, null=True)),
                ("shipping_address", models.JSONField(null=True)),
                ("expires_at", SecondsField(db_index=True)),
                ("created_at", SecondsField()),
                ("updated_at", SecondsField()),
            ],
            options={"db_table": "wp_wch_carts"},
        ),
        migrations.CreateModel(
            "CustomerProfile",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("phone", models.CharField(max_length=20, unique=True)),
                ("wc_customer_id", models.PositiveBigIntegerField(null=True, db_index=True)),
                ("name", models.CharField(max_length=100)),
                ("saved_addresses", models.JSONField(null=True)),
                ("preferences", models.JSONField(null=True)),
                ("opt_in_marketing", models.BooleanField(db_default=False)),
                ("created_at", SecondsField()),
                ("updated_at", SecondsField()),
            ],
            options={"db_table": "wp_wch_customer_profiles"},
        ),
        migrations.CreateModel(
            "BroadcastCampaign",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=200)),
                ("template_name", models.CharField(max_length=100)),
                ("audience_filter", models.JSONField(null=True)),
                (
                    "status",
                    EnumField(
                        values=["draft", "scheduled", "sending", "completed", "failed"],
                        db_default="draft",
                        db_index=True,
                    ),
                ),
                ("scheduled_at", SecondsField(null=True, db_index=True)),
                ("sent_count", models.IntegerField(db_default=0)),
                ("delivered_count", models.IntegerField(db_default=0)),
                ("read_count", models.IntegerField(db_default=0)),
                ("created_at", SecondsField()),
                ("updated_at", SecondsField()),
            ],
            options={"db_table": "wp_wch_broadcast_campaigns"},
        ),
        migrations.CreateModel(
            "SyncQueueItem",
            [
                ("id", UnsignedBigAutoField(primary_key=True)),
                ("entity_type", EnumField(values=["product", "order", "inventory"])),
                ("entity_id", models.PositiveBigIntegerField()),
                ("action", EnumField(values=["create", "update", "delete"])),
                (
                    "status",
                    EnumField(
                        values=["pending", "processing", "completed", "failed"], db_default="pending", db_index=True
                    ),
                ),
                ("attempts", models.IntegerField(db_default=0)),
                ("error_message", ShortTextField(null=True)),
                ("created_at", SecondsField(db_index=True)),
                ("processed_at", SecondsField(null=True)),
            ],
            options={
                "db_table": "wp_wch_sync_queue",
                "indexes": [models.Index(fields=["entity_type", "entity_id"], name="entity_type_id")],
            },
        ),
    )
