"""Selecting, filtering, sorting and paging; row types; aggregates, functions and dates; documents."""

from __future__ import annotations

import datetime as dt
from typing import Any

import peewee
from peewee import JOIN, Case, Cast, Tuple, Value, fn
from playhouse.test_utils import count_queries

from tests.support.idioms.rows import (
    NOON,
    SQL,
    Idiom,
    Models,
    day,
    new_cart,
    new_item,
)

# --- Querying: selecting, filtering, sorting, paging


def _missing(m: Models) -> Any:
    try:
        m.Cart.get_by_id(999)
    except m.Cart.DoesNotExist as error:
        return isinstance(error, peewee.DoesNotExist)


SELECTING: dict[str, Idiom] = {
    "select": lambda m: m.Conversation.select().order_by(m.Conversation.id),
    "select every table": lambda m: [list(model.select().order_by(model.id)) for model in m[:6]],
    "select columns": lambda m: m.Message.select(m.Message.id, m.Message.status).order_by(m.Message.id),
    "select a foreign key": lambda m: m.Message.select(m.Message.conversation).order_by(m.Message.id),
    "select an alias": lambda m: m.Message.select(m.Message.id.alias("number")).order_by(m.Message.id).dicts(),
    "select an expression": lambda m: m.BroadcastCampaign.select(
        m.BroadcastCampaign, (m.BroadcastCampaign.sent_count - m.BroadcastCampaign.read_count).alias("unread")
    ).order_by(m.BroadcastCampaign.id),
    "select_extend": lambda m: m.Cart.select(m.Cart.id).select_extend(m.Cart.coupon_code).order_by(m.Cart.id).tuples(),
    "select a constant": lambda m: m.Cart.select(Value(1).alias("one"), Value("x").alias("x")).limit(1).dicts(),
    "get": lambda m: m.Cart.get(m.Cart.customer_phone == "+492"),
    "get by keywords": lambda m: m.Cart.get(customer_phone="+492"),
    "get of a query": lambda m: m.Cart.select().where(m.Cart.id == 2).get(),
    "get_by_id": lambda m: m.Cart.get_by_id(2),
    "get by item": lambda m: m.Cart[2],
    "get a missing row": _missing,
    "get_or_none": lambda m: [m.Cart.get_or_none(m.Cart.id == number) for number in (1, 999)],
    "first": lambda m: [m.Cart.select().order_by(-m.Cart.id).first(), m.Cart.select().where(m.Cart.id > 99).first()],
    "peek": lambda m: m.Cart.select().order_by(m.Cart.id).peek(n=2),
    "index a query": lambda m: (m.Cart.select().order_by(m.Cart.id)[1], m.Cart.select().order_by(m.Cart.id)[1:3]),
    "len of a query": lambda m: len(m.Cart.select()),
    "iterate a model": lambda m: [row.id for row in m.Cart],
    "len of a model": lambda m: len(m.Cart),
    "in a model": lambda m: [2 in m.Cart, 99 in m.Cart],
    "where": lambda m: m.Message.select().where(m.Message.status == "read").order_by(m.Message.id),
    "where, twice": lambda m: m.Message.select().where(m.Message.id > 3).where(m.Message.id < 6).order_by(m.Message.id),
    "orwhere": lambda m: m.Message.select().where(m.Message.id == 3).orwhere(m.Message.id == 5).order_by(m.Message.id),
    "and, or, not": lambda m: (
        m.Message.select(m.Message.id)
        .where(~((m.Message.id < 3) | ((m.Message.status == "read") & (m.Message.direction == "inbound"))))
        .order_by(m.Message.id)
        .tuples()
    ),
    "not equal": lambda m: m.Message.select(m.Message.id).where(m.Message.status != "read").order_by(m.Message.id),
    "in": lambda m: m.Conversation.select().where(m.Conversation.id.in_([1, 3, 99])).order_by(m.Conversation.id),
    "<<": lambda m: m.Conversation.select().where(m.Conversation.status << ["active", "closed"]).count(),
    "not_in": lambda m: m.Conversation.select().where(m.Conversation.id.not_in([1, 3])).count(),
    "in nothing": lambda m: m.Conversation.select().where(m.Conversation.id.in_([])).count(),
    "in rows": lambda m: m.Message.select().where(m.Message.conversation.in_(list(m.Conversation.select()))).count(),
    "in a subquery": lambda m: (
        m.Message.select()
        .where(m.Message.conversation.in_(m.Conversation.select().where(m.Conversation.status == "active")))
        .order_by(m.Message.id)
    ),
    "equal to a row": lambda m: m.Message.select().where(m.Message.conversation == m.Conversation.get_by_id(2)).count(),
    "equal to an unsaved row": lambda m: m.Message.select().where(m.Message.conversation == m.Conversation()).count(),
    "is_null": lambda m: m.Cart.select(m.Cart.id).where(m.Cart.coupon_code.is_null()).tuples(),
    "is not null": lambda m: m.Cart.select(m.Cart.id).where(m.Cart.coupon_code.is_null(False)).tuples(),
    "== None": lambda m: m.Cart.select(m.Cart.id).where(m.Cart.coupon_code == None).tuples(),  # noqa: E711
    "!= None": lambda m: m.Cart.select(m.Cart.id).where(m.Cart.coupon_code != None).tuples(),  # noqa: E711
    ">> None": lambda m: m.Conversation.select().where(m.Conversation.assigned_agent_id >> None).count(),
    "between": lambda m: m.Message.select(m.Message.id).where(m.Message.id.between(3, 5)).tuples(),
    "between a slice": lambda m: m.Message.select(m.Message.id).where(m.Message.id[3:5]).tuples(),
    "contains": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name.contains("ada")).count(),
    "contains a wildcard": lambda m: m.Cart.select(m.Cart.id).where(m.Cart.coupon_code.contains("%_")).tuples(),
    "startswith": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name.startswith("Ada")).count(),
    "endswith": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name.endswith("byron")).count(),
    "like": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name % "Bo_").count(),
    "ilike": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name ** "%LOVE%").count(),
    "like on a status": lambda m: m.Conversation.select().where(m.Conversation.status % "%e%").count(),
    "regexp": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.name.regexp("^B.b$")).count(),
    "collate": lambda m: m.Cart.select(m.Cart.id).order_by(m.Cart.coupon_code.desc(), m.Cart.id).tuples(),
    "concatenate": lambda m: (
        m.CustomerProfile.select((m.CustomerProfile.name + "/" + m.CustomerProfile.phone).alias("both"))
        .order_by(m.CustomerProfile.id)
        .tuples()
    ),
    "concatenate in front": lambda m: (
        m.CustomerProfile.select(("a " + m.CustomerProfile.name).alias("both")).order_by(m.CustomerProfile.id).tuples()
    ),
    "concat with a field": lambda m: (
        m.CustomerProfile.select().where(m.CustomerProfile.phone.concat("x") == "+491x").count()
    ),
    "compare columns": lambda m: (
        m.BroadcastCampaign.select().where(m.BroadcastCampaign.read_count > m.BroadcastCampaign.sent_count - 30).count()
    ),
    "arithmetic": lambda m: (
        m.Message.select(
            (m.Message.id * 2 + 1).alias("a"), (m.Message.id - 1).alias("b"), (m.Message.id % 3).alias("c")
        )
        .order_by(m.Message.id)
        .tuples()
    ),
    "reflected arithmetic": lambda m: (
        m.Message.select((100 - m.Message.id).alias("a"), (2 * m.Message.id).alias("b")).order_by(m.Message.id).tuples()
    ),
    "division": lambda m: [
        float(value)
        for (value,) in m.Message.select((m.Message.id / 2.0).alias("half")).order_by(m.Message.id).tuples()
    ],
    "bits": lambda m: (
        m.Message.select(m.Message.id.bin_and(3).alias("a"), m.Message.id.bin_or(8).alias("o"))
        .order_by(m.Message.id)
        .tuples()
    ),
    "filter": lambda m: m.Message.filter(status="read").order_by(m.Message.id),
    "filter across a join": lambda m: m.Message.filter(conversation__status="active").order_by(m.Message.id),
    "filter by operators": lambda m: m.Message.filter(id__gte=3, id__lt=6, status__in=["read", "sent"]).count(),
    "filter by backref": lambda m: (
        m.Conversation.filter(messages__status="failed").distinct().order_by(m.Conversation.id)
    ),
    "filter with DQ": lambda m: m.Message.filter(peewee.DQ(id=1) | peewee.DQ(id=2)).count(),
    "filter, ilike": lambda m: m.CustomerProfile.filter(name__ilike="ada%").count(),
    "order_by": lambda m: m.Conversation.select(m.Conversation.id).order_by(m.Conversation.status, m.Conversation.id),
    "order_by desc": lambda m: m.Message.select(m.Message.id).order_by(m.Message.created_at.desc(), -m.Message.id),
    "order_by nulls": lambda m: (
        m.Cart.select(m.Cart.id).order_by(m.Cart.coupon_code.asc(nulls="LAST"), m.Cart.id.desc()).tuples()
    ),
    "order_by an alias": lambda m: (
        m.Message.select(m.Message.conversation, fn.COUNT(m.Message.id).alias("number"))
        .group_by(m.Message.conversation)
        .order_by(SQL("number").desc(), m.Message.conversation)
        .tuples()
    ),
    "order_by a position": lambda m: m.Message.select(m.Message.id, m.Message.status).order_by(SQL("2"), SQL("1")),
    "order_by_extend": lambda m: m.Message.select().order_by(m.Message.status).order_by_extend(m.Message.id).tuples(),
    "order_by nothing": lambda m: m.Message.select().order_by(m.Message.id.desc()).order_by().count(),
    "limit and offset": lambda m: m.Message.select().order_by(m.Message.id).limit(3).offset(4),
    "paginate": lambda m: m.Message.select().order_by(m.Message.id).paginate(2, 5),
    "distinct": lambda m: m.Message.select(m.Message.status).distinct().order_by(m.Message.status),
    "distinct counted": lambda m: m.Message.select(m.Message.status).distinct().count(),
    "count": lambda m: (m.Message.select().count(), m.Message.select().limit(3).count(clear_limit=True)),
    "exists": lambda m: [m.Message.select().where(m.Message.id == number).exists() for number in (1, 99)],
    "random": lambda m: m.Message.select().order_by(fn.Random() if m.db.param == "?" else fn.Rand()).count(),
    "a query, twice": lambda m: (lambda query: (list(query), list(query)))(m.Cart.select().order_by(m.Cart.id)),
    "clone": lambda m: (lambda query: (query.where(m.Cart.id == 1).count(), query.count()))(m.Cart.select()),
    "SQL in where": lambda m: m.Cart.select(m.Cart.id).where(SQL(f"id = {m.db.param}", [2])).tuples(),
    "a row value": lambda m: (
        m.SyncQueueItem.select(m.SyncQueueItem.id)
        .where(Tuple(m.SyncQueueItem.entity_id, m.SyncQueueItem.attempts) == Tuple(1, 1))
        .tuples()
    ),
    "a model by hash": lambda m: len({*m.Cart.select(), *m.Cart.select()}),
    "rows are equal": lambda m: (
        m.Cart.get_by_id(1) == m.Cart.get_by_id(1),
        m.Cart.get_by_id(1) != m.Cart.get_by_id(2),
    ),
    "an enum member": lambda m: type(m.Conversation.get_by_id(1).status).__name__,
    "a flag": lambda m: [row.opt_in_marketing for row in m.CustomerProfile.select().order_by(m.CustomerProfile.id)],
    "where a flag": lambda m: m.CustomerProfile.select().where(m.CustomerProfile.opt_in_marketing).count(),
    "where not a flag": lambda m: m.CustomerProfile.select().where(~m.CustomerProfile.opt_in_marketing).count(),
    "where a flag == True": lambda m: (
        m.CustomerProfile.select().where(m.CustomerProfile.opt_in_marketing == True).count()  # noqa: E712
    ),
    "str of a model and a row": lambda m: (str(m.Cart.get_by_id(1)), repr(m.Cart.get_by_id(1))),
    "compare with a wrong number": lambda m: m.Message.select().where(m.Message.id == "one").count(),
    "compare with a text of digits": lambda m: m.Message.select().where(m.Message.id == "1").count(),
    "compare with an unknown status": lambda m: m.Message.select().where(m.Message.status == "lost").count(),
}

# --- Querying: row types, iterators, scalars


def _iterated_dicts(m: Models) -> Any:
    return [row["id"] for row in m.Message.select().order_by(m.Message.id).dicts().iterator()]


def _iterated_twice(m: Models) -> Any:
    query = m.Message.select(m.Message.id).order_by(m.Message.id)
    cursor = query.execute()
    return len(list(cursor.iterator())), len(list(cursor))


def _partly_read(m: Models) -> Any:
    query = m.Message.select().order_by(m.Message.id)
    first = next(iter(query))
    return first.id, [row.id for row in query]


def _cached_rows(m: Models) -> Any:
    cursor = m.Message.select().order_by(m.Message.id).execute()
    return cursor[0].id, len(cursor.row_cache)


ROW_TYPES: dict[str, Idiom] = {
    "dicts": lambda m: m.Message.select().order_by(m.Message.id).dicts(),
    "tuples": lambda m: m.Message.select().order_by(m.Message.id).tuples(),
    "namedtuples": lambda m: m.Message.select().order_by(m.Message.id).namedtuples(),
    "objects": lambda m: m.Message.select(m.Message.id, m.Message.status).order_by(m.Message.id).objects(),
    "objects of a class": lambda m: (
        m.Message.select(m.Message.id, m.Message.status).order_by(m.Message.id).objects(dict)
    ),
    "objects of a join": lambda m: [
        (row.id, row.customer_phone)
        for row in m.Message.select(m.Message.id, m.Conversation.customer_phone)
        .join(m.Conversation)
        .order_by(m.Message.id)
        .objects()
    ],
    "dicts of a join": lambda m: (
        m.Message.select(m.Message.id, m.Conversation.customer_phone)
        .join(m.Conversation)
        .order_by(m.Message.id)
        .dicts()
    ),
    "namedtuples of a join": lambda m: (
        m.Message.select(m.Message.id, m.Conversation.customer_phone)
        .join(m.Conversation)
        .order_by(m.Message.id)
        .namedtuples()
    ),
    "dicts of an aggregate": lambda m: m.Message.select(fn.MAX(m.Message.id), fn.MIN(m.Message.created_at)).dicts(),
    "tuples, as a list": lambda m: list(m.Cart.select(m.Cart.items).order_by(m.Cart.id).tuples()),
    "as a dict of ids": lambda m: dict(m.Cart.select(m.Cart.id, m.Cart.customer_phone).order_by(m.Cart.id).tuples()),
    "iterator": lambda m: [row.id for row in m.Message.select().order_by(m.Message.id).iterator()],
    "iterator of dicts": _iterated_dicts,
    "iterator of a namedtuple": lambda m: list(m.Message.select().order_by(m.Message.id).namedtuples().iterator()),
    "iterator, then a list": _iterated_twice,
    "a query that is read in part": _partly_read,
    "a cursor's row_cache": _cached_rows,
    "nested queries": lambda m: [
        (talk.id, [message.id for message in talk.messages.order_by(m.Message.id)])
        for talk in m.Conversation.select().order_by(m.Conversation.id).iterator()
    ],
    "scalar": lambda m: m.Message.select(fn.MAX(m.Message.id)).scalar(),
    "scalar of a column": lambda m: m.Cart.select(m.Cart.items).where(m.Cart.id == 2).scalar(),
    "scalar as tuple": lambda m: m.Message.select(fn.MIN(m.Message.id), fn.MAX(m.Message.id)).scalar(as_tuple=True),
    "scalar as dict": lambda m: m.Message.select(fn.MIN(m.Message.id).alias("low")).scalar(as_dict=True),
    "scalar of nothing": lambda m: m.Message.select(m.Message.id).where(m.Message.id > 99).scalar(),
    "scalars": lambda m: list(m.Message.select(m.Message.status).order_by(m.Message.id).scalars()),
    "converter": lambda m: [
        row.number
        for row in m.Cart.select(m.Cart.id.converter(lambda value: f"no. {value}").alias("number")).order_by(m.Cart.id)
    ],
    "coerce(False)": lambda m: [
        row[0] if isinstance(row[0], str) else "?"
        for row in m.Cart.select(fn.MAX(m.Cart.customer_phone).coerce(False)).tuples()
    ],
    "raw": lambda m: m.Cart.raw(f"SELECT id, customer_phone FROM {m.Cart._meta.table_name} ORDER BY id"),
    "raw with parameters": lambda m: [
        (row.id, row.items, row.expires_at)
        for row in m.Cart.raw(f"SELECT * FROM {m.Cart._meta.table_name} WHERE id = {m.db.param}", 2)
    ],
    "raw dicts": lambda m: m.Cart.raw(f"SELECT id, customer_phone FROM {m.Cart._meta.table_name} ORDER BY id").dicts(),
    "execute_sql": lambda m: list(
        m.db.execute_sql(
            f"SELECT id FROM {m.Cart._meta.table_name} WHERE id > {m.db.param} ORDER BY id", (1,)
        ).fetchall()
    ),
    "sql() without a database's quotes": lambda m: m.Cart.select(m.Cart.id).sql()[1],
    "count_queries": lambda m: _counted(m),
}


def _counted(m: Models) -> int:
    with count_queries(only_select=True) as counter:
        [message.conversation.id for message in m.Message.select(m.Message, m.Conversation).join(m.Conversation)]
    return int(counter.count)


# --- Aggregates, functions, dates, CASE and CAST

AGGREGATES: dict[str, Idiom] = {
    "count by group": lambda m: (
        m.Message.select(m.Message.status, fn.COUNT(m.Message.id).alias("number"))
        .group_by(m.Message.status)
        .order_by(m.Message.status)
        .dicts()
    ),
    "count on models": lambda m: [
        (talk.id, talk.number)
        for talk in m.Conversation.select(m.Conversation, fn.COUNT(m.Message.id).alias("number"))
        .join(m.Message, JOIN.LEFT_OUTER)
        .group_by(m.Conversation)
        .order_by(m.Conversation.id)
    ],
    "having": lambda m: (
        m.Message.select(m.Message.conversation, fn.COUNT(m.Message.id).alias("number"))
        .group_by(m.Message.conversation)
        .having(fn.COUNT(m.Message.id) > 2)
        .order_by(m.Message.conversation)
        .tuples()
    ),
    "having on a status": lambda m: (
        m.Message.select(m.Message.conversation)
        .group_by(m.Message.conversation)
        .having(fn.MAX(m.Message.status) == "sent")
        .order_by(m.Message.conversation)
        .tuples()
    ),
    "count distinct": lambda m: m.Message.select(fn.COUNT(m.Message.status.distinct())).scalar(),
    "count distinct by fn": lambda m: m.Message.select(fn.COUNT(fn.DISTINCT(m.Message.status))).scalar(),
    "sum": lambda m: int(m.BroadcastCampaign.select(fn.SUM(m.BroadcastCampaign.sent_count)).scalar()),
    "sum of nothing": lambda m: m.Message.select(fn.SUM(m.Message.id)).where(m.Message.id > 99).scalar(),
    "avg": lambda m: float(m.BroadcastCampaign.select(fn.AVG(m.BroadcastCampaign.sent_count)).scalar()),
    "min and max of dates": lambda m: m.Message.select(
        fn.MIN(m.Message.created_at), fn.MAX(m.Message.created_at)
    ).tuples(),
    "max of a status": lambda m: m.Message.select(fn.MAX(m.Message.status)).scalar(),
    "max of a date, as an attribute": lambda m: [
        row.latest
        for row in m.Message.select(m.Message.conversation, fn.MAX(m.Message.created_at).alias("latest"))
        .group_by(m.Message.conversation)
        .order_by(m.Message.conversation)
    ],
    "group_concat": lambda m: m.Message.select(fn.GROUP_CONCAT(m.Message.status)).where(m.Message.id == 1).scalar(),
    "coalesce": lambda m: (
        m.Cart.select(fn.COALESCE(m.Cart.coupon_code, "none").alias("code")).order_by(m.Cart.id).tuples()
    ),
    "coalesce of documents": lambda m: (
        m.Cart.select(fn.COALESCE(m.Cart.shipping_address, m.Cart.items).alias("x")).order_by(m.Cart.id).tuples()
    ),
    "lower and upper": lambda m: (
        m.CustomerProfile.select(fn.LOWER(m.CustomerProfile.name), fn.UPPER(m.CustomerProfile.phone))
        .where(m.CustomerProfile.id < 4)
        .order_by(m.CustomerProfile.id)
        .tuples()
    ),
    "where a function": lambda m: (
        m.CustomerProfile.select().where(fn.LOWER(fn.SUBSTR(m.CustomerProfile.name, 1, 1)) == "a").count()
    ),
    "order_by a function": lambda m: m.CustomerProfile.select(m.CustomerProfile.id).order_by(
        fn.LENGTH(m.CustomerProfile.phone), m.CustomerProfile.id
    ),
    "length": lambda m: (
        m.CustomerProfile.select(fn.LENGTH(m.CustomerProfile.phone)).order_by(m.CustomerProfile.id).tuples()
    ),
    "replace as a function": lambda m: (
        m.CustomerProfile.select(fn.REPLACE(m.CustomerProfile.phone, "+", "00")).order_by(m.CustomerProfile.id).tuples()
    ),
    "round": lambda m: float(m.BroadcastCampaign.select(fn.ROUND(fn.AVG(m.BroadcastCampaign.read_count), 1)).scalar()),
    "case": lambda m: (
        m.Message.select(m.Message.id, Case(m.Message.status, (("read", 1), ("sent", 2)), 0).alias("rank"))
        .order_by(m.Message.id)
        .tuples()
    ),
    "case with conditions": lambda m: (
        m.Message.select(m.Message.id, Case(None, ((m.Message.id < 4, "low"), (m.Message.id < 8, "mid")), "high"))
        .order_by(m.Message.id)
        .tuples()
    ),
    "case of fields": lambda m: (
        m.Message.select(Case(None, ((m.Message.id < 4, m.Message.status),), m.Message.direction).alias("x"))
        .order_by(m.Message.id)
        .tuples()
    ),
    "case in order_by": lambda m: (
        m.Message.select(m.Message.id).order_by(Case(m.Message.status, (("read", 1),), 2), m.Message.id).tuples()
    ),
    "sum of a case": lambda m: int(
        m.Message.select(fn.SUM(Case(None, ((m.Message.status == "read", 1),), 0))).scalar()
    ),
    "cast to text": lambda m: m.Cart.select(m.Cart.id.cast("CHAR")).order_by(m.Cart.id).tuples(),
    "cast to a number": lambda m: m.Cart.select(
        Cast(Value("12"), "SIGNED" if m.db.param == "%s" else "INTEGER")
    ).scalar(),
    "compare with a cast": lambda m: (
        m.CustomerProfile.select().where(m.CustomerProfile.phone == Cast(5, "CHAR")).count()
    ),
    "join on a cast": lambda m: (
        m.CustomerProfile.select(m.CustomerProfile.id)
        .join(m.SyncQueueItem, on=(m.CustomerProfile.name == m.SyncQueueItem.id.cast("CHAR")))
        .count()
    ),
    "filter of an aggregate": lambda m: m.Message.select(
        fn.COUNT(m.Message.id).filter(m.Message.status == "read")
    ).scalar(),
    "nested functions": lambda m: m.Cart.select(fn.LOWER(fn.UPPER("b"))).scalar(),
    "year": lambda m: m.Message.select().where(m.Message.created_at.year == 2024).count(),
    "parts of a date": lambda m: (
        m.Message.select(
            m.Message.created_at.month, m.Message.created_at.day, m.Message.created_at.hour, m.Message.created_at.minute
        )
        .order_by(m.Message.id)
        .tuples()
    ),
    "group by a day": lambda m: (
        m.Message.select(m.Message.created_at.day.alias("day"), fn.COUNT(m.Message.id))
        .group_by(m.Message.created_at.day)
        .order_by(SQL("day"))
        .tuples()
    ),
    "truncate": lambda m: [
        str(value)
        for (value,) in m.Message.select(m.Message.created_at.truncate("day")).order_by(m.Message.id).tuples()
    ],
    "to_timestamp": lambda m: [
        int(value) > 0 for (value,) in m.Message.select(m.Message.created_at.to_timestamp()).limit(1).tuples()
    ],
    "compare dates": lambda m: [
        m.Message.select().where(condition).count()
        for at in (day(2), day(2).isoformat(sep=" "), day(2).date())
        for condition in (m.Message.created_at < at, m.Message.created_at >= at)
    ],
    "equal to a date": lambda m: m.Conversation.select().where(m.Conversation.last_message_at == day(2)).count(),
    "between dates": lambda m: m.Message.select().where(m.Message.created_at.between(day(1), day(2))).count(),
    "in dates": lambda m: m.Conversation.select().where(m.Conversation.last_message_at.in_([day(2), day(3)])).count(),
    "a date with microseconds": lambda m: (
        m.SyncQueueItem.create(**new_item(created_at=NOON.replace(microsecond=900_000))).id
        and m.SyncQueueItem.select(m.SyncQueueItem.created_at).order_by(m.SyncQueueItem.id.desc()).scalar()
    ),
    "a date with a zone": lambda m: (
        m.SyncQueueItem.create(**new_item(created_at=NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2))))).id
        and m.SyncQueueItem.select(m.SyncQueueItem.created_at).order_by(m.SyncQueueItem.id.desc()).scalar()
    ),
    "a date as text": lambda m: (
        m.SyncQueueItem.create(**new_item(created_at="2024-03-02 12:00:00")).id
        and m.SyncQueueItem.select(m.SyncQueueItem.created_at).order_by(m.SyncQueueItem.id.desc()).scalar()
    ),
}

# --- JSON

JSON: dict[str, Idiom] = {
    "read documents": lambda m: [row.items for row in m.Cart.select().order_by(m.Cart.id)],
    "documents as dicts": lambda m: m.Cart.select(m.Cart.items, m.Cart.shipping_address).order_by(m.Cart.id).dicts(),
    "a part == a number": lambda m: (
        m.Conversation.select(m.Conversation.id).where(m.Conversation.context["step"] == 3).tuples()
    ),
    "a part == a text": lambda m: m.Cart.select().where(m.Cart.items[0]["sku"] == "tea0").count(),
    "a part != a text": lambda m: m.Cart.select().where(m.Cart.items[0]["sku"] != "tea0").count(),
    "a part in a list": lambda m: m.Message.select().where(m.Message.content["n"].in_([1, 2])).count(),
    "a part is missing": lambda m: m.Cart.select().where(m.Cart.shipping_address["zip"] == None).count(),  # noqa: E711
    "select a part": lambda m: m.Message.select(m.Message.content["text"].alias("t")).order_by(m.Message.id).tuples(),
    "select a number": lambda m: m.Message.select(m.Message.content["n"].alias("n")).order_by(m.Message.id).tuples(),
    "order by a part": lambda m: (
        m.Message.select(m.Message.id).order_by(m.Message.content["text"], m.Message.id).tuples()
    ),
    "a part by function": lambda m: m.Message.select().where(fn.JSON_EXTRACT(m.Message.content, "$.n") == 3).count(),
    "a document is null": lambda m: m.Cart.select().where(m.Cart.shipping_address.is_null()).count(),
    "== a document": lambda m: m.Conversation.select().where(m.Conversation.context == {}).count(),
    "contains a document": lambda m: (
        m.Conversation.select().where(m.Conversation.context.contains({"step": 3})).count()
    ),
    "append": lambda m: m.Cart.update(items=m.Cart.items.append({"sku": "new"})).where(m.Cart.id == 1).execute(),
    "has_key": lambda m: m.Conversation.select().where(m.Conversation.context.has_key("step")).count(),
    "length of an array": lambda m: (
        m.Cart.select(fn.JSON_ARRAY_LENGTH(m.Cart.items) if m.db.param == "?" else fn.JSON_LENGTH(m.Cart.items))
        .order_by(m.Cart.id)
        .tuples()
    ),
    "None in a document": lambda m: (
        m.Cart.create(**new_cart(items=None)).id
        and m.Cart.select(m.Cart.items.is_null()).order_by(m.Cart.id.desc()).limit(1).scalar()
    ),
    "a text as a document": lambda m: (
        m.Cart.create(**new_cart(items="plain")).id
        and m.Cart.select(m.Cart.items).order_by(m.Cart.id.desc()).limit(1).scalar()
    ),
}
