"""What is on record, for verbs that only look back a step."""

import os
from typing import TYPE_CHECKING

from seawall.cli.common import Common, ExitCode, Failure, load_settings

if TYPE_CHECKING:
    from seawall.store.rows import Attempt

_RECENT = 200
"""Rows that are looked through: those behind a failure are its call's later attempts."""


def newest_failure(common: Common) -> "Attempt":
    """The newest attempt on record that failed; `Failure` where there is none."""
    from sqlalchemy.exc import SQLAlchemyError

    from seawall.store.place import here, store_path
    from seawall.store.queries import attempts_since, reading
    from seawall.store.trouble import Unusable

    loaded = load_settings(common, {}, os.environ)
    try:
        path = store_path(loaded.config.store, here())
        with reading(path) as connection:
            rows = attempts_since(connection, 0.0, _RECENT)
    except FileNotFoundError:
        rows = []
    except Unusable as error:
        raise Failure(str(error)) from None
    except SQLAlchemyError:
        raise Failure(f"the records in {path} cannot be read by this version of Seawall") from None
    for row in rows:
        if row.cause:
            return row
    raise Failure("no failure is on record; paste the error into `seawall explain`", ExitCode.USAGE)
