"""A person's note on an episode: the row of `episode` that a store keeps for it.

Written beside a gateway that writes too; sqlite3 is imported when it is called.
"""

from pathlib import Path

from seawall.store.sqlite import open_store

PATIENCE = 5.0
"""Seconds for another program's lock: a gateway's batch takes milliseconds."""
LONGEST = 500
"""Characters of a note."""

Cells = dict[str, str | float | None]


def keep(path: Path, row: Cells) -> None:
    """Writes the row of `schema.episode` with its note in place of one with the same id.

    Raises what `open_store` raises, and `sqlite3.Error`.
    """
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    opened = open_store(path, PATIENCE)
    try:
        opened.connection.execute(
            f"INSERT OR REPLACE INTO episode ({names}) VALUES ({marks})",  # noqa: S608 - names of columns, ours
            tuple(row.values()),
        )
    finally:
        opened.connection.close()


def drop(path: Path, key: str) -> bool:
    """Takes the note of this id away; whether there was one. Raises as `keep` does."""
    opened = open_store(path, PATIENCE)
    try:
        return opened.connection.execute("DELETE FROM episode WHERE id = ?", (key,)).rowcount > 0
    finally:
        opened.connection.close()


def forget(path: Path) -> int:
    """Deletes all that is on record and returns how many attempts that were. Raises as `keep` does."""
    from seawall.store.tidy import forget as forget_all

    opened = open_store(path, PATIENCE)
    try:
        return forget_all(opened.connection)
    finally:
        opened.connection.close()
