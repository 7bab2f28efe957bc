"""A Django project in one file: its own models in its own database, and wch_peewee's beside them.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress gunicorn --preload --workers 4 django_app:application
"""

import json
import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DJANGO_DATABASE", "django.db"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    },
    ROOT_URLCONF=__name__,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from peewee import IntegrityError, InterfaceError, OperationalError  # noqa: E402

from wch_peewee import InvalidValue, Message, Plugin, SyncQueueItem  # noqa: E402

plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
plugin.admin_init()
plugin.bind()


class Receipt(models.Model):
    """Django's own table: the orders that have come in."""

    wa_message_id = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "shop"


if Receipt._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Receipt)
connection.close()


def receive(request: HttpRequest) -> JsonResponse:
    """Store the order and what is to be done about it; answer False for one that is there already.

    There are two transactions, and ours is committed first. Should Django's be lost, the order is sent again, and the
    receipt is made then: each step can be repeated.
    """
    order = json.loads(request.body)
    try:
        with transaction.atomic(), plugin.database:
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
            Receipt.objects.get_or_create(wa_message_id=order["wa_message_id"])
    except (IntegrityError, InvalidValue):
        return JsonResponse("The conversation is unknown, or a value does not fit.", safe=False, status=422)
    except (InterfaceError, OperationalError):
        return JsonResponse("The database does not answer; send it again.", safe=False, status=503)
    return JsonResponse(is_new, safe=False)


def show(request: HttpRequest, wa_message_id: str) -> JsonResponse:
    try:
        with plugin.database:
            message = Message.get_or_none(wa_message_id=wa_message_id)
    except (InterfaceError, OperationalError):
        return JsonResponse("The database does not answer; ask again.", safe=False, status=503)
    known = Receipt.objects.filter(wa_message_id=wa_message_id).exists()
    return JsonResponse(message.content["body"] if message and known else None, safe=False)


urlpatterns = [path("orders", receive), path("orders/<wa_message_id>", show)]
application = get_wsgi_application()
