"""A FastAPI service on peewee's asyncio database: the same orders, without threads.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress uvicorn fastapi_async:app
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, unquote, urlsplit

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from peewee import InterfaceError, OperationalError
from playhouse.pwasyncio import AsyncMySQLDatabase, AsyncSqliteDatabase
from pydantic import BaseModel

from wch_peewee import Busy, InvalidValue, Message, MessageStatus, Plugin, SyncQueueItem, retrying


def open_database(url: str) -> AsyncMySQLDatabase | AsyncSqliteDatabase:
    """Return peewee's database for a URL as ``Plugin`` takes it, with its ``ssl`` and ``ssl_ca``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return AsyncSqliteDatabase(url.partition(":///")[2], pragmas={"foreign_keys": 1})
    options, parameters = dict(parse_qsl(parts.query)), {}
    if "ssl_ca" in options or options.get("ssl", "0") != "0":
        parameters["ssl"] = ssl.create_default_context(cafile=options.get("ssl_ca"))
        if "ssl_ca" not in options:  # encrypted, whoever answers
            parameters["ssl"].check_hostname = False
            parameters["ssl"].verify_mode = ssl.CERT_NONE
    return AsyncMySQLDatabase(
        unquote(parts.path.lstrip("/")),
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        charset="utf8mb4",
        **parameters,
    )


database = open_database(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
plugin = Plugin(database)
plugin.bind()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await asyncio.to_thread(plugin.admin_init)
    yield
    await database.close_pool()


app = FastAPI(lifespan=lifespan)


class Order(BaseModel):
    phone: str
    wa_message_id: str
    text: str


class Status(BaseModel):
    wa_message_id: str
    status: MessageStatus


@retrying
def store(plugin: Plugin, order: Order) -> bool:
    """Store the order and what is to be done about it in one transaction, which is begun again after a deadlock."""
    message, is_new = Message.ingest(order.wa_message_id, phone=order.phone, content={"body": order.text})
    if is_new:
        SyncQueueItem.enqueue("order", message.id, "create")
    return is_new


@app.post("/orders")
async def receive(order: Order) -> bool:
    """Return False for an order that is there already."""
    return await database.run(store, plugin, order)


@app.post("/statuses")
async def advance(status: Status) -> bool:
    """Move a message's status forward; WhatsApp sends one that comes before its message again."""
    moved = await database.run(Message.advance, status.wa_message_id, status.status)
    if moved is None:
        raise HTTPException(503, "This message is not stored yet; send its status again.")
    return moved


@app.get("/orders/{wa_message_id}")
async def show(wa_message_id: str) -> str | None:
    message = await database.first(Message.select().where(Message.wa_message_id == wa_message_id))
    return message and message.content["body"]


@app.exception_handler(InvalidValue)
async def refused(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse("A value does not fit.", status_code=422)


@app.exception_handler(Busy)
@app.exception_handler(OperationalError)
@app.exception_handler(InterfaceError)
async def unavailable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse("The database does not answer; send it again.", status_code=503)
