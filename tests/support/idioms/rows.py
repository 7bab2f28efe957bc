"""The models that an idiom is given, and the rows of their tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import peewee


class Models(NamedTuple):
    Conversation: Any
    Message: Any
    Cart: Any
    CustomerProfile: Any
    BroadcastCampaign: Any
    SyncQueueItem: Any
    db: Any


Idiom = Callable[[Models], Any]

OLD = dt.datetime(2020, 1, 1)
NOON = dt.datetime(2024, 3, 2, 12)
LATER = dt.datetime(2031, 5, 4, 3, 2, 1)
SQL = peewee.SQL


def day(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2024, 3, number, hour)


#: The rows of the six tables by column, parents first.
ROWS: dict[str, list[dict[str, Any]]] = {
    "Conversation": [
        {
            "id": number,
            "customer_phone": f"+49{number}",
            "wa_conversation_id": f"wa_{number}%",
            "status": ("pending", "active", "active", "closed", "active", "pending")[number - 1],
            "assigned_agent_id": (7, 8, 7, None, None, 9)[number - 1],
            "context": ({"step": number, "lang": "de"}, {}, {"tags": ["a", "b"]})[number % 3],
            "last_message_at": day(number),
            "created_at": day(number, 8),
            "updated_at": OLD,
        }
        for number in range(1, 7)
    ],
    "Message": [
        {
            "id": number,
            "conversation_id": (1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4)[number - 1],
            "direction": "inbound" if number % 2 else "outbound",
            "message_type": ("text", "image", "text")[number % 3],
            "wa_message_id": f"wamid.{number}",
            "content": {"text": f"Nr. {number}", "n": number},
            "status": ("sent", "delivered", "read", "failed")[number % 4],
            "created_at": day(1 + number // 4, number),
        }
        for number in range(1, 13)
    ],
    "Cart": [
        {
            "id": number,
            "customer_phone": f"+49{number}",
            "items": [{"sku": f"tea{item}", "qty": item} for item in range(number)],
            "coupon_code": (None, "SPRING", "spring", "50%_off")[number - 1],
            "shipping_address": {"city": "Köln"} if number > 1 else None,
            "expires_at": day(20 + number),
            "created_at": day(number),
            "updated_at": OLD,
        }
        for number in range(1, 5)
    ],
    "CustomerProfile": [
        {
            "id": number,
            "phone": f"+49{number}",
            "wc_customer_id": number * 100 if number != 2 else None,
            "name": ("Ada Lovelace", "Bob", "ada byron", "Ünal")[number - 1],
            "saved_addresses": [],
            "preferences": {"lang": "de"},
            "opt_in_marketing": number % 2 == 0,
            "created_at": day(number),
            "updated_at": OLD,
        }
        for number in range(1, 5)
    ],
    "BroadcastCampaign": [
        {
            "id": number,
            "name": f"Campaign {number}",
            "template_name": "hello",
            "audience_filter": {"min": number},
            "status": ("draft", "sending", "completed", "completed")[number - 1],
            "scheduled_at": day(number) if number > 1 else None,
            "sent_count": number * 10,
            "delivered_count": number * 8,
            "read_count": number * number,
            "created_at": day(number),
            "updated_at": OLD,
        }
        for number in range(1, 5)
    ],
    "SyncQueueItem": [
        {
            "id": number,
            "entity_type": ("product", "order", "inventory")[number % 3],
            "entity_id": number % 5,
            "action": ("create", "update", "delete")[number % 3],
            "status": ("pending", "processing", "failed")[number % 3],
            "attempts": number % 4,
            "error_message": "Time out" if number % 3 == 2 else None,
            "created_at": day(number),
            "processed_at": day(number, 18) if number > 5 else None,
        }
        for number in range(1, 9)
    ],
}


def new_talk(**values: Any) -> dict[str, Any]:
    return {"customer_phone": "+1", "wa_conversation_id": "new"} | values


def new_message(**values: Any) -> dict[str, Any]:
    return {
        "conversation": 5,
        "direction": "inbound",
        "message_type": "text",
        "wa_message_id": "new",
        "content": {"text": "new"},
        "created_at": NOON,
    } | values


def new_item(**values: Any) -> dict[str, Any]:
    return {"entity_type": "order", "entity_id": 77, "action": "update"} | values


def new_cart(**values: Any) -> dict[str, Any]:
    return {"customer_phone": "+1", "expires_at": LATER, "items": [{"sku": "tea"}]} | values
