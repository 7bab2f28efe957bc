"""A FastAPI service that takes orders from WhatsApp, which sends each one until it is acknowledged.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress uvicorn fastapi_app:app
"""

import os

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from peewee import InterfaceError, OperationalError
from pydantic import BaseModel

from wch_peewee import Busy, InvalidValue, Message, MessageStatus, Plugin, SyncQueueItem, retrying

plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
plugin.admin_init()
plugin.bind()
app = FastAPI()


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
def receive(order: Order) -> bool:
    """Return False for an order that is there already. FastAPI runs a function without ``async`` in a thread."""
    with plugin.database.connection_context():  # a connection of this thread
        return store(plugin, order)


@app.post("/statuses")
def advance(status: Status) -> bool:
    """Move a message's status forward; WhatsApp sends one that comes before its message again."""
    with plugin.database.connection_context():
        moved = Message.advance(status.wa_message_id, status.status)
    if moved is None:
        raise HTTPException(503, "This message is not stored yet; send its status again.")
    return moved


def find(wa_message_id: str) -> str | None:
    with plugin.database:
        message = Message.get_or_none(wa_message_id=wa_message_id)
        return message and message.content["body"]


@app.get("/orders/{wa_message_id}")
async def show(wa_message_id: str) -> str | None:
    """Return the text of an order. All that queries goes to a thread: the event loop has one connection for all."""
    return await run_in_threadpool(find, wa_message_id)


@app.exception_handler(InvalidValue)
async def refused(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse("A value does not fit.", status_code=422)


@app.exception_handler(Busy)
@app.exception_handler(OperationalError)
@app.exception_handler(InterfaceError)
async def unavailable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse("The database does not answer; send it again.", status_code=503)
