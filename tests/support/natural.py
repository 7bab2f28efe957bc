"""The daily jobs as one writes them with Peewee at first: right alone, wrong when two do the same at once.

The races and the benchmarks compare the library's calls with these.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from wch_peewee import utc_now

RANK = {"sent": 0, "delivered": 1, "read": 2}


def get_or_open(models: Any, phone: str) -> Any:
    found = models.Conversation.get_or_none(
        models.Conversation.customer_phone == phone, models.Conversation.status != "closed"
    )
    return found or models.Conversation.create(customer_phone=phone, wa_conversation_id="")


def ingest(models: Any, name: str, phone: str, **values: Any) -> tuple[Any, bool]:
    if (found := models.Message.get_or_none(wa_message_id=name)) is not None:
        return found, False
    conversation = get_or_open(models, phone)
    message = models.Message.create(
        conversation=conversation, direction="inbound", message_type="text", wa_message_id=name, **values
    )
    if message.created_at > conversation.last_message_at:
        conversation.last_message_at = message.created_at
        conversation.save()
    return message, True


def advance(models: Any, name: str, status: str) -> bool:
    message = models.Message.get(wa_message_id=name)
    if RANK[status] <= RANK[message.status]:
        return False
    message.status = status
    message.save()
    return True


def edit(models: Any, phone: str, change: Callable[[list[Any]], object]) -> None:
    later = utc_now() + timedelta(days=1)
    cart, _ = models.Cart.get_or_create(customer_phone=phone, defaults={"expires_at": later})
    change(cart.items)
    cart.expires_at = later
    cart.save()


def expire(models: Any) -> int:
    expired = list(models.Cart.select().where(models.Cart.expires_at < utc_now()))
    return sum(cart.delete_instance() for cart in expired)


def claim(models: Any, limit: int) -> list[Any]:
    items = list(models.SyncQueueItem.select().where(models.SyncQueueItem.status == "pending").limit(limit))
    for item in items:
        item.status, item.attempts, item.processed_at = "processing", item.attempts + 1, utc_now()
        item.save()
    return items


def complete(item: Any) -> bool:
    item.status, item.processed_at = "completed", utc_now()
    return bool(item.save())


def count(models: Any, campaign_id: int) -> None:
    campaign = models.BroadcastCampaign.get_by_id(campaign_id)
    campaign.sent_count += 1
    campaign.save()


def start(campaign: Any) -> bool:
    if campaign.status != "draft":
        return False
    campaign.status = "sending"
    return bool(campaign.save())
