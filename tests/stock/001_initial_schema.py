"""The six tables, as an author of migrations for stock peewee-migrate writes them."""

import peewee as pw

PREFIX = "wp_wch_"


def migrate(migrator, database, *, fake=False):
    @migrator.create_model
    class Conversation(pw.Model):
        customer_phone = pw.CharField(20, index=True)
        wa_conversation_id = pw.CharField(100)
        status = pw.CharField(20, default="pending")
        assigned_agent_id = pw.BigIntegerField(null=True)
        context = pw.TextField(null=True)
        last_message_at = pw.DateTimeField(index=True)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = PREFIX + "conversations"

    @migrator.create_model
    class Message(pw.Model):
        conversation = pw.ForeignKeyField(Conversation, on_delete="CASCADE")
        direction = pw.CharField(20)
        message_type = pw.CharField(20)
        wa_message_id = pw.CharField(100, unique=True)
        content = pw.TextField(null=True)
        status = pw.CharField(20, default="sent")
        created_at = pw.DateTimeField(index=True)

        class Meta:
            table_name = PREFIX + "messages"

    @migrator.create_model
    class Cart(pw.Model):
        customer_phone = pw.CharField(20, unique=True)
        items = pw.TextField(null=True)
        coupon_code = pw.CharField(50, null=True)
        shipping_address = pw.TextField(null=True)
        expires_at = pw.DateTimeField(index=True)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = PREFIX + "carts"

    @migrator.create_model
    class CustomerProfile(pw.Model):
        phone = pw.CharField(20, unique=True)
        wc_customer_id = pw.BigIntegerField(null=True, index=True)
        name = pw.CharField(100)
        saved_addresses = pw.TextField(null=True)
        preferences = pw.TextField(null=True)
        opt_in_marketing = pw.BooleanField(default=False)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = PREFIX + "customer_profiles"

    @migrator.create_model
    class BroadcastCampaign(pw.Model):
        name = pw.CharField(200)
        template_name = pw.CharField(100)
        audience_filter = pw.TextField(null=True)
        status = pw.CharField(20, default="draft", index=True)
        scheduled_at = pw.DateTimeField(null=True, index=True)
        sent_count = pw.IntegerField(default=0)
        delivered_count = pw.IntegerField(default=0)
        read_count = pw.IntegerField(default=0)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = PREFIX + "broadcast_campaigns"

    @migrator.create_model
    class SyncQueueItem(pw.Model):
        entity_type = pw.CharField(20)
        entity_id = pw.BigIntegerField()
        action = pw.CharField(20)
        status = pw.CharField(20, default="pending", index=True)
        attempts = pw.IntegerField(default=0)
        error_message = pw.TextField(null=True)
        created_at = pw.DateTimeField(index=True)
        processed_at = pw.DateTimeField(null=True)

        class Meta:
            table_name = PREFIX + "sync_queue"
            indexes = ((("entity_type", "entity_id"), False),)


def rollback(migrator, database, *, fake=False):
    for name in ("sync_queue", "broadcast_campaigns", "customer_profiles", "carts", "messages", "conversations"):
        migrator.remove_model(PREFIX + name)
