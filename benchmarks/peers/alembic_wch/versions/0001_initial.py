"""The six tables, as an author of migrations for Alembic writes them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

# SQLite numbers rows in an INTEGER alone.
UNSIGNED = mysql.BIGINT(unsigned=True).with_variant(sa.Integer(), "sqlite")
SETTINGS = {
    "mysql_engine": "InnoDB",
    "mysql_default_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_520_ci",
}


def upgrade():
    op.create_table(
        "wp_wch_conversations",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("customer_phone", sa.String(20), nullable=False),
        sa.Column("wa_conversation_id", sa.String(100), nullable=False),
        sa.Column("status", sa.Enum("pending", "active", "closed"), nullable=False, server_default="pending"),
        sa.Column("assigned_agent_id", UNSIGNED),
        sa.Column("context", sa.JSON()),
        sa.Column("last_message_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        **SETTINGS,
    )
    index("wp_wch_conversations", "customer_phone")
    index("wp_wch_conversations", "last_message_at")

    op.create_table(
        "wp_wch_messages",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("conversation_id", UNSIGNED, nullable=False),
        sa.Column("direction", sa.Enum("inbound", "outbound"), nullable=False),
        sa.Column("message_type", sa.Enum("text", "interactive", "image", "document", "template"), nullable=False),
        sa.Column("wa_message_id", sa.String(100), nullable=False),
        sa.Column("content", sa.JSON()),
        sa.Column("status", sa.Enum("sent", "delivered", "read", "failed"), nullable=False, server_default="sent"),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("wa_message_id", name="wa_message_id"),
        # Here and not behind the table: the key of the foreign key is made with it, instead of two one after the other.
        sa.Index("ix_wp_wch_messages_conversation_id", "conversation_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["wp_wch_conversations.id"],
            name="wp_wch_messages_conversation_id_fk",
            ondelete="CASCADE",
        ),
        **SETTINGS,
    )
    index("wp_wch_messages", "created_at")

    op.create_table(
        "wp_wch_carts",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("customer_phone", sa.String(20), nullable=False),
        sa.Column("items", sa.JSON()),
        sa.Column("coupon_code", sa.String(50)),
        sa.Column("shipping_address", sa.JSON()),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("customer_phone", name="customer_phone"),
        **SETTINGS,
    )
    index("wp_wch_carts", "expires_at")

    op.create_table(
        "wp_wch_customer_profiles",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("wc_customer_id", UNSIGNED),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("saved_addresses", sa.JSON()),
        sa.Column("preferences", sa.JSON()),
        sa.Column("opt_in_marketing", sa.Boolean(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("phone", name="phone"),
        **SETTINGS,
    )
    index("wp_wch_customer_profiles", "wc_customer_id")

    op.create_table(
        "wp_wch_broadcast_campaigns",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("template_name", sa.String(100), nullable=False),
        sa.Column("audience_filter", sa.JSON()),
        sa.Column(
            "status",
            sa.Enum("draft", "scheduled", "sending", "completed", "failed"),
            nullable=False,
            server_default="draft",
        ),
        sa.Column("scheduled_at", sa.DateTime()),
        sa.Column("sent_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("delivered_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("read_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        **SETTINGS,
    )
    index("wp_wch_broadcast_campaigns", "status")
    index("wp_wch_broadcast_campaigns", "scheduled_at")

    op.create_table(
        "wp_wch_sync_queue",
        sa.Column("id", UNSIGNED, primary_key=True, autoincrement=True),
        sa.Column("entity_type", sa.Enum("product", "order", "inventory"), nullable=False),
        sa.Column("entity_id", UNSIGNED, nullable=False),
        sa.Column("action", sa.Enum("create", "update", "delete"), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "processing", "completed", "failed"),
            nullable=False,
            server_default="pending",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("processed_at", sa.DateTime()),
        **SETTINGS,
    )
    op.create_index("ix_wp_wch_sync_queue_entity_type_id", "wp_wch_sync_queue", ["entity_type", "entity_id"])
    index("wp_wch_sync_queue", "status")
    index("wp_wch_sync_queue", "created_at")


def index(table, column):
    # With the table's name, as Alembic's autogenerate names them: SQLite wants names that are unique in the file.
    op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade():
    for table in ("sync_queue", "broadcast_campaigns", "customer_profiles", "carts", "messages", "conversations"):
        op.drop_table(f"wp_wch_{table}")
