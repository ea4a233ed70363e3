"""Which schema this version of Seawall reads and writes. Light: the gateway imports it at start."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every schema there was, oldest first; the names are Alembic's revision ids."""

HEAD = REVISIONS[-1]
