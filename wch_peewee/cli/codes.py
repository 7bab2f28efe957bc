"""The exit codes of ``wch``, as ``wch --help`` lists them."""

from __future__ import annotations

FINE = 0
DRIFT = 1
FAILED = 2
BUSY = 3
TOO_NEW = 4
USAGE = 64
CONFIGURATION = 78
INTERRUPTED = 130

MEANINGS = (
    (FINE, "fine; what is not ours and was left alone does not count"),
    (
        DRIFT,
        "something is pending, or differs and was left as it is (status, check, activate); nothing to write (new)",
    ),
    (FAILED, "failed, refused or not confirmed; the message says what is in place"),
    (BUSY, "another run, or somebody's transaction, held the lock for too long; try again"),
    (TOO_NEW, "the database is newer than this wch; nothing was changed"),
    (USAGE, "the command line is wrong"),
    (CONFIGURATION, "a setting is missing or wrong"),
    (INTERRUPTED, "interrupted by Ctrl-C"),
)
