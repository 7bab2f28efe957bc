"""A Flask service that takes orders from WhatsApp, which sends each one until it is acknowledged.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress gunicorn --preload --workers 4 --threads 2 flask_app:app
"""

import os

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from peewee import IntegrityError, InterfaceError, OperationalError

from wch_peewee import InvalidValue, Message, Plugin, SyncQueueItem

# With --preload this runs once, before the workers are forked. Each of them opens connections of its own.
plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
plugin.admin_init()
plugin.bind()
app = Flask(__name__)


@app.post("/orders")
def receive() -> ResponseReturnValue:
    """Store the order and what is to be done about it; answer False for one that is there already."""
    order = request.get_json()
    with plugin.database:  # a connection of this thread, and a transaction
        new = Message.insert(
            conversation=order["conversation"],
            direction="inbound",
            message_type="text",
            wa_message_id=order["wa_message_id"],
            content={"body": order["text"]},
        )
        is_new = bool(new.on_conflict_ignore().as_rowcount().execute())
        if is_new:
            message = Message.get(wa_message_id=order["wa_message_id"])
            SyncQueueItem.create(entity_type="order", entity_id=message.id, action="create")
    return jsonify(is_new)  # behind the block: the transaction is committed


@app.get("/orders/<wa_message_id>")
def show(wa_message_id: str) -> ResponseReturnValue:
    with plugin.database:
        message = Message.get_or_none(wa_message_id=wa_message_id)
    return jsonify(message and message.content["body"])


@app.errorhandler(IntegrityError)
@app.errorhandler(InvalidValue)
def refused(error: Exception) -> ResponseReturnValue:
    return jsonify("The conversation is unknown, or a value does not fit."), 422


@app.errorhandler(OperationalError)
@app.errorhandler(InterfaceError)
def unavailable(error: Exception) -> ResponseReturnValue:
    return jsonify("The database does not answer; send it again."), 503
