"""Longer coupon codes, attempts as bigint, longer message states."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    migrator.change_fields("wp_wch_carts", coupon_code=pw.CharField(80, null=True))
    migrator.change_fields("wp_wch_sync_queue", attempts=pw.BigIntegerField(default=0))
    migrator.change_fields("wp_wch_messages", status=pw.CharField(40, default="sent"))


def rollback(migrator, database, *, fake=False):
    migrator.change_fields("wp_wch_carts", coupon_code=pw.CharField(50, null=True))
    migrator.change_fields("wp_wch_sync_queue", attempts=pw.IntegerField(default=0))
    migrator.change_fields("wp_wch_messages", status=pw.CharField(20, default="sent"))
