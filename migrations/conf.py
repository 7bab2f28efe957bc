"""Settings for stock pw_migrate: pw_migrate migrate --directory migrations [--database URL].

WCH_DATABASE_URL, WCH_TABLE_PREFIX and WCH_REMOVE_DATA are read from the environment; --database wins.
"""

from wch_peewee.migrate.pw_migrate import configuration

globals().update(configuration())
