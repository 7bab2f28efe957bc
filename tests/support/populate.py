"""Rows for all six tables, inserted through the models: children that cascade, four-byte characters, NULLs.

populate(database, conversations=3)

``fill(database, prefix)`` does the same for the test kit, which passes a peewee Database.
"""

from __future__ import annotations

import datetime as dt

import peewee

from tests.support.databases import LiveDatabase
from wch_peewee import Plugin

LATER = dt.datetime(2031, 5, 4, 3, 2, 1)


def populate(database: LiveDatabase, *, conversations: int = 3, prefix: str = "wp_") -> None:
    """Insert conversations, and for each of them two messages, a cart, a profile, a campaign and a queue item."""
    fill(database.database, prefix, conversations=conversations)


def fill(database: peewee.Database, prefix: str, *, conversations: int = 3) -> None:
    models = Plugin(database, prefix=prefix).models
    with database.atomic():
        for number in range(conversations):
            phone = f"+49151{number:07}"
            conversation = models.Conversation.create(
                customer_phone=phone,
                wa_conversation_id=f"wa-{number}",
                context={"step": number, "mood": "😀"},
                assigned_agent_id=number or None,
            )
            for turn in range(2):
                models.Message.create(
                    conversation=conversation,
                    direction="inbound" if turn else "outbound",
                    message_type="text",
                    wa_message_id=f"wamid.{number}.{turn}",
                    content={"text": f"100% {number} 🍎 'quoted' \\ {turn}"},
                )
            models.Cart.create(
                customer_phone=phone, items=[{"id": number}], expires_at=LATER, coupon_code="X" * number or None
            )
            models.CustomerProfile.create(phone=phone, name="Zoë 🐍", preferences={"lang": "de"})
            models.BroadcastCampaign.create(name=f"Campaign {number}", template_name="hello", sent_count=number)
            models.SyncQueueItem.create(entity_type="product", entity_id=number + 1, action="update", attempts=number)
