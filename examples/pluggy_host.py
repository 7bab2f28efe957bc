"""A host built on pluggy: it switches plugins on and off, and calls them on each admin request.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress python pluggy_host.py activate
"""

import os
import sys

import pluggy

from wch_peewee import Plugin, WchError, hookspecs

HOOKS = ("activate", "admin_init", "deactivate", "uninstall")


def make_host() -> pluggy.PluginManager:
    host = pluggy.PluginManager("wch")
    host.add_hookspecs(hookspecs)
    host.register(Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db")))
    # Without the line above: host.load_setuptools_entrypoints("wch") takes what the environment names.
    return host


def main(hook: str) -> int:
    if hook not in HOOKS:
        print(f"{hook or 'nothing'} is not a hook; expected one of {', '.join(HOOKS)}", file=sys.stderr)
        return 64
    try:
        for report in getattr(make_host().hook, hook)():
            print(report)
    except WchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:2])))
