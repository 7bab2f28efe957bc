"""The tables of WCH's PHP plugin in its later versions, as the changes from one version to the next.

What each version leaves behind has been read from information_schema of a MariaDB and a MySQL server on which the real
plugin had upgraded itself.
"""

from __future__ import annotations

from collections.abc import Iterator

#: By version, oldest first; ``{p}`` is the site's prefix.
UPGRADES: dict[str, tuple[str, ...]] = {
    "1.1.0": (
        """ALTER TABLE {p}wch_carts
        ADD COLUMN total decimal(10,2) NOT NULL DEFAULT 0.00 AFTER items,
        ADD COLUMN status enum('active','completed','abandoned') NOT NULL DEFAULT 'active' AFTER shipping_address,
        ADD COLUMN reminder_sent_at datetime NULL AFTER status,
        ADD COLUMN reminder_1_sent_at datetime NULL AFTER reminder_sent_at,
        ADD COLUMN reminder_2_sent_at datetime NULL AFTER reminder_1_sent_at,
        ADD COLUMN reminder_3_sent_at datetime NULL AFTER reminder_2_sent_at,
        ADD COLUMN recovery_coupon_code varchar(50) NULL AFTER reminder_3_sent_at,
        ADD COLUMN recovered tinyint(1) NOT NULL DEFAULT 0 AFTER recovery_coupon_code,
        ADD COLUMN recovered_order_id bigint(20) unsigned NULL AFTER recovered,
        ADD COLUMN recovered_revenue decimal(10,2) NULL AFTER recovered_order_id,
        ADD KEY recovered (recovered), ADD KEY status (status), ADD KEY updated_at (updated_at)""",
        """ALTER TABLE {p}wch_customer_profiles
        ADD COLUMN notification_opt_out tinyint(1) NOT NULL DEFAULT 0 AFTER opt_in_marketing""",
        "CREATE TABLE {p}wch_notification_log (id bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY)",
    ),
    "1.2.0": ("CREATE TABLE {p}wch_product_views (id bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY)",),
    "2.2.0": (
        """ALTER TABLE {p}wch_conversations
        MODIFY status enum('pending','active','idle','escalated','closed') NOT NULL DEFAULT 'pending',
        ADD COLUMN state varchar(50) NULL AFTER status,
        ADD COLUMN message_count int(11) NOT NULL DEFAULT 0 AFTER context,
        ADD COLUMN unread_count int(11) NOT NULL DEFAULT 0 AFTER message_count,
        MODIFY last_message_at datetime NULL,
        ADD KEY state (state), ADD KEY status (status), ADD KEY unread_count (unread_count)""",
        """ALTER TABLE {p}wch_customer_profiles
        ADD COLUMN tags json NULL AFTER preferences,
        ADD COLUMN total_orders int(11) NOT NULL DEFAULT 0 AFTER tags,
        ADD COLUMN total_spent decimal(10,2) NOT NULL DEFAULT 0.00 AFTER total_orders,
        ADD KEY total_orders (total_orders), ADD KEY total_spent (total_spent)""",
    ),
    "2.4.0": (),
    "2.5.0": (
        """ALTER TABLE {p}wch_carts
        MODIFY status enum('active','abandoned','converted','expired') NOT NULL DEFAULT 'active',
        ADD COLUMN abandoned_at datetime NULL AFTER reminder_3_sent_at,
        ADD COLUMN recovered_at datetime NULL AFTER recovered_revenue""",
        """ALTER TABLE {p}wch_customer_profiles
        ADD COLUMN email varchar(100) NULL AFTER name,
        ADD COLUMN last_known_address json NULL AFTER email,
        ADD COLUMN last_interaction_at datetime NULL AFTER notification_opt_out,
        ADD COLUMN marketing_opted_at datetime NULL AFTER last_interaction_at""",
        """ALTER TABLE {p}wch_messages
        CHANGE message_type type enum('text','interactive','image','document','template','audio','video','location',
            'reaction','button') NOT NULL,
        ADD COLUMN raw_payload json NULL AFTER content,
        MODIFY status enum('pending','sent','delivered','read','failed') NOT NULL DEFAULT 'pending',
        ADD COLUMN retry_count int(11) NOT NULL DEFAULT 0 AFTER status,
        ADD COLUMN error_message text NULL AFTER retry_count,
        ADD COLUMN updated_at datetime NOT NULL,
        ADD COLUMN sent_at datetime NULL,
        ADD COLUMN delivered_at datetime NULL,
        ADD COLUMN read_at datetime NULL,
        ADD KEY status (status)""",
    ),
    "2.6.0": ("DROP TABLE {p}wch_broadcast_campaigns",),
}


def upgrades_to(version: str) -> Iterator[str]:
    """Yield the statements that lead from version 1.0.0 to ``version``."""
    for step, statements in UPGRADES.items():
        yield from statements
        if step == version:
            return
    raise ValueError(version)
