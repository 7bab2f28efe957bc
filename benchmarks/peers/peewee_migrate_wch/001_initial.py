"""The six tables, as an author of migrations for peewee-migrate writes them."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    mysql = isinstance(database, pw.MySQLDatabase)

    class UnsignedField(pw.BigIntegerField):
        field_type = "BIGINT UNSIGNED"

    class IdField(pw.BigAutoField):
        def ddl_datatype(self, ctx):
            return pw.SQL("BIGINT UNSIGNED AUTO_INCREMENT") if mysql else super().ddl_datatype(ctx)

    class ReferenceField(pw.ForeignKeyField):
        field_type = "BIGINT UNSIGNED" if mysql else "BIGINT"

    class JsonField(pw.TextField):
        field_type = "JSON"

    class EnumField(pw.CharField):
        def __init__(self, *values, **kwargs):
            self.values = values
            super().__init__(20, **kwargs)

        def ddl_datatype(self, ctx):
            if not mysql:
                return super().ddl_datatype(ctx)
            return pw.SQL("ENUM({})".format(", ".join(f"'{value}'" for value in self.values)))

    def default(value):
        # In the database: a field's own default is Python's alone.
        return [pw.SQL(f"DEFAULT {value}")]

    class Base(pw.Model):
        id = IdField()

        class Meta:
            table_settings = ["ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci"] if mysql else []

    @migrator.create_model
    class Conversation(Base):
        customer_phone = pw.CharField(20, index=True)
        wa_conversation_id = pw.CharField(100)
        status = EnumField("pending", "active", "closed", constraints=default("'pending'"))
        assigned_agent_id = UnsignedField(null=True)
        context = JsonField(null=True)
        last_message_at = pw.DateTimeField(index=True)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "wp_wch_conversations"

    @migrator.create_model
    class Message(Base):
        conversation = ReferenceField(Conversation, on_delete="CASCADE")
        direction = EnumField("inbound", "outbound")
        message_type = EnumField("text", "interactive", "image", "document", "template")
        wa_message_id = pw.CharField(100, unique=True)
        content = JsonField(null=True)
        status = EnumField("sent", "delivered", "read", "failed", constraints=default("'sent'"))
        created_at = pw.DateTimeField(index=True)

        class Meta:
            table_name = "wp_wch_messages"

    @migrator.create_model
    class Cart(Base):
        customer_phone = pw.CharField(20, unique=True)
        items = JsonField(null=True)
        coupon_code = pw.CharField(50, null=True)
        shipping_address = JsonField(null=True)
        expires_at = pw.DateTimeField(index=True)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "wp_wch_carts"

    @migrator.create_model
    class CustomerProfile(Base):
        phone = pw.CharField(20, unique=True)
        wc_customer_id = UnsignedField(null=True, index=True)
        name = pw.CharField(100)
        saved_addresses = JsonField(null=True)
        preferences = JsonField(null=True)
        opt_in_marketing = pw.BooleanField(constraints=default("0"))
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "wp_wch_customer_profiles"

    @migrator.create_model
    class BroadcastCampaign(Base):
        name = pw.CharField(200)
        template_name = pw.CharField(100)
        audience_filter = JsonField(null=True)
        status = EnumField(
            "draft", "scheduled", "sending", "completed", "failed", constraints=default("'draft'"), index=True
        )
        scheduled_at = pw.DateTimeField(null=True, index=True)
        sent_count = pw.IntegerField(constraints=default("0"))
        delivered_count = pw.IntegerField(constraints=default("0"))
        read_count = pw.IntegerField(constraints=default("0"))
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "wp_wch_broadcast_campaigns"

    @migrator.create_model
    class SyncQueueItem(Base):
        entity_type = EnumField("product", "order", "inventory")
        entity_id = UnsignedField()
        action = EnumField("create", "update", "delete")
        status = EnumField("pending", "processing", "completed", "failed", constraints=default("'pending'"), index=True)
        attempts = pw.IntegerField(constraints=default("0"))
        error_message = pw.TextField(null=True)
        created_at = pw.DateTimeField(index=True)
        processed_at = pw.DateTimeField(null=True)

        class Meta:
            table_name = "wp_wch_sync_queue"
            indexes = ((("entity_type", "entity_id"), False),)


def rollback(migrator, database, *, fake=False):
    for name in ("sync_queue", "broadcast_campaigns", "customer_profiles", "carts", "messages", "conversations"):
        migrator.remove_model(f"wp_wch_{name}")
