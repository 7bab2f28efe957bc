"""Carts: edited under their row's lock, and deleted when they have expired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Self

from ...database.connect import in_transaction
from ...database.retry import attempt, database_of, transaction
from ..fields import utc_now
from ..prepared import prepared, save
from .arguments import phone_number, span, whole
from .batches import EARLIEST, delete_rows, in_batches

#: What this thread or task is editing: database, table and number of each cart, and the cart.
_EDITED: ContextVar[tuple[tuple[Any, Any], ...]] = ContextVar("_EDITED", default=())


class CartJobs:
    """What is done with carts."""

    @classmethod
    @contextmanager
    def edit(cls, phone: str, *, lifetime: timedelta = timedelta(days=1)) -> Iterator[Self]:
        """Hold the cart of a phone for the block, and write what the block has changed at its end.

        The cart is made if it is missing. Others who edit it, PHP's UPDATE included, wait meanwhile. It then expires
        after ``lifetime`` from now, unless the block has set ``expires_at``. Nothing is written if the block raises.
        The block is one transaction, or part of the caller's; it is not repeated. A block for the same cart within
        the block has the same object, which is written at the end of the outer one.

        Raises InvalidValue for a phone that does not fit, Busy if others hold the cart for too long, and, within
        another transaction or block, peewee's OperationalError after a deadlock: all of it has to be repeated then.
        """
        model: Any = cls
        database = database_of(cls)
        phone_number(phone, model.customer_phone)
        span("lifetime", lifetime)
        with ExitStack() as stack:

            def hold() -> Any:
                _made(model, {"customer_phone": phone, "expires_at": utc_now() + lifetime})
                return _of(model, phone)[0]

            def begin() -> Any:
                with ExitStack() as begun:
                    begun.enter_context(transaction(database))
                    cart = hold()
                    stack.push(begun.pop_all())
                    return cart

            cart = hold() if in_transaction(database) else attempt(database, begin, single=True)
            key, edited = (database, model._meta.table_name, cart.id), _EDITED.get()
            if key in dict(edited):
                yield dict(edited)[key]
                return
            _EDITED.set((*edited, (key, cart)))
            stack.callback(_EDITED.set, edited)
            held_until = cart.expires_at
            yield cart
            if cart.expires_at == held_until and "expires_at" not in cart._dirty:
                cart.expires_at = utc_now() + lifetime
            save(cart)

    @classmethod
    def expire(cls, before: datetime | None = None, *, batch: int = 500) -> int:
        """Delete the carts that have expired before a moment, by default now, in batches; return how many.

        A cart that is revived meanwhile stays: its row is looked at once more when it is deleted. A ``batch`` is so
        many carts in one transaction. ``before`` is in UTC if it names no time zone.
        """
        model: Any = cls
        # PHP's zero dates are before the earliest one.
        expired = (model.expires_at >= EARLIEST) & (model.expires_at < (utc_now() if before is None else before))
        return in_batches(model, expired, whole("batch", batch, 1), lambda ids: delete_rows(model, ids, expired))


@prepared
def _made(cart: Any, row: dict[str, Any]) -> Any:
    return cart.insert(row).on_conflict_ignore()


@prepared
def _of(cart: Any, phone: str) -> Any:
    return cart.select().where(cart.customer_phone == phone).for_update()
