"""Joins, aliases, subqueries, relations and eager loading; common table expressions and window functions."""

from __future__ import annotations

from typing import Any

import peewee
from peewee import JOIN, Case, Load, Window, fn, prefetch
from playhouse.test_utils import count_queries

from tests.support.idioms.rows import (
    SQL,
    Idiom,
    Models,
    new_message,
)

# --- Joins, aliases, subqueries, relationships


def _self_join(m: Models) -> Any:
    other = m.Conversation.alias()
    return (
        m.Conversation.select(m.Conversation.id, other.id.alias("other"))
        .join(other, on=(m.Conversation.assigned_agent_id == other.assigned_agent_id))
        .where(m.Conversation.id != other.id)
        .order_by(m.Conversation.id)
        .tuples()
    )


def _self_join_models(m: Models) -> Any:
    other = m.Conversation.alias("other")
    return (
        m.Conversation.select(m.Conversation, other)
        .join(other, on=(m.Conversation.assigned_agent_id == other.assigned_agent_id), attr="twin")
        .where(m.Conversation.id < other.id)
        .order_by(m.Conversation.id)
    )


def _alias_of_parent(m: Models) -> Any:
    parent = m.Conversation.alias()
    return (
        m.Message.select(m.Message, parent)
        .join(parent, on=(m.Message.conversation == parent.id))
        .where(parent.status == "active")
        .order_by(m.Message.id)
    )


def _alias_of_child(m: Models) -> Any:
    child = m.Message.alias()
    return child.select(child, m.Conversation).join(m.Conversation).order_by(child.id)


def _alias_row(m: Models) -> Any:
    alias = m.SyncQueueItem.alias()
    row = alias.select().where(alias.id == 1).get()
    row.attempts = 44
    return row.save(), row


def _alias_columns(m: Models) -> Any:
    alias = m.SyncQueueItem.alias()
    return alias.select(alias.id, (alias.attempts + 1).alias("next")).order_by(alias.id).dicts()


def _latest(m: Models) -> Any:
    """The top row of each group."""
    alias = m.Message.alias()
    latest = (
        alias.select(alias.conversation, fn.MAX(alias.created_at).alias("at")).group_by(alias.conversation).alias("l")
    )
    return (
        m.Message.select(m.Message, m.Conversation)
        .join(latest, on=((m.Message.created_at == latest.c.at) & (m.Message.conversation == latest.c.conversation_id)))
        .switch(m.Message)
        .join(m.Conversation)
        .order_by(m.Message.id)
    )


def _from_subquery(m: Models) -> Any:
    inner = m.Message.select(m.Message.conversation, fn.COUNT(m.Message.id).alias("number")).group_by(
        m.Message.conversation
    )
    return m.Message.select(fn.MAX(inner.c.number)).from_(inner).scalar()


def _select_from(m: Models) -> Any:
    inner = m.Message.select(m.Message.status, m.Message.id).where(m.Message.id < 5)
    return inner.select_from(inner.c.status, inner.c.id).order_by(inner.c.id).tuples()


def _correlated(m: Models) -> Any:
    number = m.Message.select(fn.COUNT(m.Message.id)).where(m.Message.conversation == m.Conversation.id)
    return [
        (talk.id, talk.number)
        for talk in m.Conversation.select(m.Conversation, number.alias("number")).order_by(m.Conversation.id)
    ]


def _lateral(m: Models) -> Any:
    talk = m.Conversation.alias()
    recent = (
        m.Message.select(m.Message.id.alias("message"))
        .where(m.Message.conversation == talk.id)
        .order_by(m.Message.id.desc())
        .limit(2)
    )
    return (
        talk.select(talk.id, recent.c.message)
        .join(recent, JOIN.LEFT_LATERAL, on=SQL("1 = 1"))
        .order_by(talk.id, recent.c.message)
        .tuples()
    )


def _bind_to(m: Models) -> Any:
    name = Case(m.Conversation.status, (("active", "A"),), "-").alias("letter").bind_to(m.Conversation)
    query = m.Message.select(m.Message.id, m.Conversation.id, name).join(m.Conversation).order_by(m.Message.id)
    return [(row.id, row.conversation.letter) for row in query]


def _cached_parent(m: Models) -> Any:
    message = m.Message.get_by_id(1)
    with count_queries() as counter:
        seen = message.conversation_id, message.conversation.id, message.conversation.customer_phone
    return seen, counter.count


def _lost_parent(m: Models) -> Any:
    message = m.Message(**new_message(conversation=999))
    try:
        return message.conversation
    except m.Conversation.DoesNotExist:
        return "missing", message.conversation_id


def _lock(m: Models, *arguments: Any, **options: Any) -> Any:
    return m.Cart.select().where(m.Cart.id == 1).for_update(*arguments, **options)


JOINS: dict[str, Idiom] = {
    "join": lambda m: (
        m.Message.select().join(m.Conversation).where(m.Conversation.status == "active").order_by(m.Message.id)
    ),
    "join and select both": lambda m: (
        m.Message.select(m.Message, m.Conversation).join(m.Conversation).order_by(m.Message.id)
    ),
    "join on a field": lambda m: (
        m.Message.select(m.Message, m.Conversation)
        .join(m.Conversation, on=m.Message.conversation)
        .order_by(m.Message.id)
    ),
    "join from the parent": lambda m: (
        m.Conversation.select(m.Conversation.id, m.Message.id.alias("message"))
        .join(m.Message)
        .order_by(m.Message.id)
        .tuples()
    ),
    "left join": lambda m: (
        m.Conversation.select(m.Conversation, m.Message)
        .join(m.Message, JOIN.LEFT_OUTER)
        .order_by(m.Conversation.id, m.Message.id)
    ),
    "left_outer_join": lambda m: (
        m.Conversation.select().left_outer_join(m.Message).where(m.Message.id.is_null()).count()
    ),
    "left join, missing rows": lambda m: [
        getattr(row, "message", "none")
        for row in m.Conversation.select(m.Conversation.id, m.Message.id)
        .join(m.Message, JOIN.LEFT_OUTER)
        .where(m.Message.id.is_null())
    ],
    "cross join": lambda m: m.Cart.select(m.Cart.id).join(m.CustomerProfile, JOIN.CROSS).count(),
    "join without a foreign key": lambda m: (
        m.Conversation.select(m.Conversation, m.CustomerProfile)
        .join(m.CustomerProfile, on=(m.Conversation.customer_phone == m.CustomerProfile.phone), attr="profile")
        .order_by(m.Conversation.id)
    ),
    "join by default name": lambda m: [
        row.customerprofile.name
        for row in m.Conversation.select(m.Conversation.id, m.CustomerProfile.name)
        .join(m.CustomerProfile, on=(m.Conversation.customer_phone == m.CustomerProfile.phone))
        .order_by(m.Conversation.id)
    ],
    "join twice": lambda m: (
        m.Message.select(m.Message, m.Conversation, m.Cart)
        .join(m.Conversation)
        .join(m.Cart, JOIN.LEFT_OUTER, on=(m.Cart.customer_phone == m.Conversation.customer_phone))
        .order_by(m.Message.id)
    ),
    "join_from": lambda m: (
        m.Message.select(m.Message.id, m.Cart.id.alias("cart"))
        .join_from(m.Message, m.Conversation)
        .join_from(m.Conversation, m.Cart, on=(m.Cart.customer_phone == m.Conversation.customer_phone))
        .order_by(m.Message.id)
        .tuples()
    ),
    "join a model to itself": _self_join,
    "join a model to itself, as models": _self_join_models,
    "join an alias": _alias_of_parent,
    "join from an alias": _alias_of_child,
    "select from an alias": lambda m: (lambda a: a.select().order_by(a.id))(m.Conversation.alias("a")),
    "columns of an alias": _alias_columns,
    "save a row of an alias": _alias_row,
    "top row of each group": _latest,
    "select from a subquery": _from_subquery,
    "select_from": _select_from,
    "a correlated subquery": _correlated,
    "a scalar subquery in where": lambda m: (
        m.Message.select(m.Message.id).where(m.Message.id == m.Message.select(fn.MAX(m.Message.id))).tuples()
    ),
    "exists in where": lambda m: (
        m.Conversation.select(m.Conversation.id)
        .where(fn.EXISTS(m.Message.select().where(m.Message.conversation == m.Conversation.id)))
        .order_by(m.Conversation.id)
        .tuples()
    ),
    "not exists": lambda m: (
        m.Conversation.select(m.Conversation.id)
        .where(~fn.EXISTS(m.Message.select().where(m.Message.conversation == m.Conversation.id)))
        .order_by(m.Conversation.id)
        .tuples()
    ),
    "lateral join": _lateral,
    "bind_to": _bind_to,
    "union": lambda m: (
        (m.Cart.select(m.Cart.customer_phone) | m.CustomerProfile.select(m.CustomerProfile.phone))
        .order_by(SQL("1"))
        .tuples()
    ),
    "union_all": lambda m: (m.Cart.select(m.Cart.id) + m.CustomerProfile.select(m.CustomerProfile.id)).count(),
    "intersect": lambda m: (
        (m.Cart.select(m.Cart.customer_phone) & m.Conversation.select(m.Conversation.customer_phone))
        .order_by(SQL("1"))
        .tuples()
    ),
    "except": lambda m: (
        (m.Conversation.select(m.Conversation.customer_phone) - m.Cart.select(m.Cart.customer_phone))
        .order_by(SQL("1"))
        .tuples()
    ),
    "union of models": lambda m: (
        (m.Cart.select().where(m.Cart.id == 1) | m.Cart.select().where(m.Cart.id == 3)).order_by(SQL("1")).dicts()
        if m.db.param == "?"
        else None
    ),
    "backref": lambda m: m.Conversation.get_by_id(1).messages.order_by(m.Message.id),
    "backref, filtered": lambda m: m.Conversation.get_by_id(1).messages.where(m.Message.status == "read").count(),
    "backref in a loop": lambda m: [len(talk.messages) for talk in m.Conversation.select().order_by(m.Conversation.id)],
    "a parent is read once": _cached_parent,
    "a parent that is missing": _lost_parent,
    "conversation_id": lambda m: [row.conversation_id for row in m.Message.select().order_by(m.Message.id)],
    "object_id in where": lambda m: m.Message.select().where(m.Message.conversation_id == 1).count(),
    "a field across a reference": lambda m: (
        m.Message.select(m.Message.conversation.status).join(m.Conversation).order_by(m.Message.id).tuples()
    ),
    "prefetch": lambda m: [
        (talk.id, [message.id for message in talk.messages])
        for talk in prefetch(
            m.Conversation.select().order_by(m.Conversation.id), m.Message.select().order_by(m.Message.id)
        )
    ],
    "prefetch of a query": lambda m: [
        (talk.id, len(talk.messages))
        for talk in m.Conversation.select().order_by(m.Conversation.id).prefetch(m.Message)
    ],
    "prefetch by join": lambda m: [
        (talk.id, len(talk.messages))
        for talk in m.Conversation.select()
        .order_by(m.Conversation.id)
        .prefetch(m.Message, prefetch_type=peewee.PREFETCH_TYPE.JOIN)
    ],
    "prefetch the parents": lambda m: [
        message.conversation.customer_phone
        for message in m.Message.select().order_by(m.Message.id).prefetch(m.Conversation)
    ],
    "prefetch an alias": lambda m: (
        lambda parent: [
            message.conversation.id for message in m.Message.select().order_by(m.Message.id).prefetch(parent)
        ]
    )(m.Conversation.alias()),
    "prefetch counted": lambda m: _prefetch_counted(m),
    "with_related": lambda m: [
        (talk.id, [message.id for message in talk.messages])
        for talk in m.Conversation.select().order_by(m.Conversation.id).with_related(Load(m.Conversation.messages))
    ],
    "with_related and a query": lambda m: [
        (talk.id, [message.id for message in talk.messages])
        for talk in m.Conversation.select()
        .order_by(m.Conversation.id)
        .with_related(Load(m.Conversation.messages, m.Message.select().where(m.Message.id > 3).order_by(-m.Message.id)))
    ],
    "with_related, the parents": lambda m: [
        message.conversation.customer_phone
        for message in m.Message.select().order_by(m.Message.id).with_related(Load(m.Message.conversation))
    ],
    "for_update": lambda m: _lock(m),
    "for_update, nowait": lambda m: _lock(m, nowait=True),
    "for_update, skip_locked": lambda m: _lock(m, skip_locked=True) if m.db.param == "?" else None,
}


def _prefetch_counted(m: Models) -> int:
    with count_queries(only_select=True) as counter:
        [len(talk.messages) for talk in m.Conversation.select().prefetch(m.Message)]
    return int(counter.count)


# --- Common table expressions and window functions


def _cte(m: Models) -> Any:
    cte = (
        m.Message.select(m.Message.conversation.alias("talk"), fn.COUNT(m.Message.id).alias("number"))
        .group_by(m.Message.conversation)
        .cte("counted")
    )
    return (
        m.Conversation.select(m.Conversation.id, cte.c.number)
        .join(cte, on=(m.Conversation.id == cte.c.talk))
        .with_cte(cte)
        .order_by(m.Conversation.id)
        .tuples()
    )


def _cte_columns(m: Models) -> Any:
    cte = m.Cart.select(m.Cart.id, m.Cart.customer_phone).cte("c", columns=("a", "b"))
    return cte.select_from(cte.c.a, cte.c.b).order_by(cte.c.a).tuples()


def _cte_models(m: Models) -> Any:
    cte = m.Message.select(m.Message.id).where(m.Message.status == "read").cte("readers")
    return m.Message.select().join(cte, on=(m.Message.id == cte.c.id)).with_cte(cte).order_by(m.Message.id)


def _cte_in_update(m: Models) -> Any:
    cte = m.Message.select(m.Message.id).where(m.Message.status == "read").cte("readers")
    return (
        m.SyncQueueItem.update(attempts=9)
        .with_cte(cte)
        .where(m.SyncQueueItem.id.in_(cte.select_from(cte.c.id)))
        .execute()
        if m.db.param == "?"
        else None
    )


def _recursive(m: Models) -> Any:
    base = m.Message.select(m.Message.id.alias("number")).where(m.Message.id == 1).cte("steps", recursive=True)
    step = m.Message.select(m.Message.id.alias("number")).join(base, on=(m.Message.id == base.c.number + 2))
    steps = base.union_all(step)
    return steps.select_from(steps.c.number).order_by(steps.c.number).tuples()


def _window(m: Models, function: Any, **options: Any) -> Any:
    over = function.over(**({"partition_by": [m.Message.conversation], "order_by": [m.Message.id]} | options))
    return [
        (number, float(value) if value is not None else None)
        for number, value in m.Message.select(m.Message.id, over).order_by(m.Message.id).tuples()
    ]


def _named_window(m: Models) -> Any:
    window = Window(partition_by=[m.Message.conversation], order_by=[m.Message.id])
    return (
        m.Message.select(m.Message.id, fn.RANK().over(window), fn.COUNT(m.Message.id).over(window))
        .window(window)
        .order_by(m.Message.id)
        .tuples()
    )


def _top_two(m: Models) -> Any:
    rank = fn.ROW_NUMBER().over(partition_by=[m.Message.conversation], order_by=[m.Message.id.desc()]).alias("rank_")
    inner = m.Message.select(m.Message.id, m.Message.conversation, rank)
    return (
        m.Message.select(inner.c.id, inner.c.conversation_id)
        .from_(inner)
        .where(inner.c.rank_ <= 2)
        .order_by(inner.c.id)
        .tuples()
    )


CTES: dict[str, Idiom] = {
    "cte": _cte,
    "cte with columns": _cte_columns,
    "cte and models": _cte_models,
    "cte in an update": _cte_in_update,
    "recursive cte": _recursive,
    "row_number": lambda m: _window(m, fn.ROW_NUMBER()),
    "rank": lambda m: _window(m, fn.RANK(), order_by=[m.Message.status]),
    "lag": lambda m: _window(m, fn.LAG(m.Message.id, 1)),
    "running sum": lambda m: _window(m, fn.SUM(m.Message.id)),
    "average over a partition": lambda m: _window(m, fn.AVG(m.Message.id), order_by=[]),
    "a bounded window": lambda m: _window(
        m, fn.SUM(m.Message.id), start=Window.preceding(1), end=Window.CURRENT_ROW, frame_type=Window.ROWS
    ),
    "a named window": _named_window,
    "top two of each group": _top_two,
    "first_value of a status": lambda m: (
        m.Message.select(
            fn.FIRST_VALUE(m.Message.status).over(partition_by=[m.Message.conversation], order_by=[m.Message.id])
        )
        .order_by(m.Message.id)
        .tuples()
    ),
}
