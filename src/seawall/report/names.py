"""What stands for a hidden name: the same for the same name, within a report and across the reports of one machine.

The map that keeps it so is local (mode 600) and holds no names: only their salted hashes, and a number for each.
"""

import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seawall.doctor import kept

FILE = "report-names.json"
MOST = 2000
"""Names of one kind that are remembered; later ones are told apart within their report only."""
_SALT = 16


class Names:
    """Numbers for names, by kind."""

    def __init__(self, salt: bytes, known: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self._salt = salt
        self._known: dict[str, dict[str, int]] = {kind: dict(one) for kind, one in (known or {}).items()}
        self._used: dict[str, set[int]] = {}

    def masked(self, kind: str, name: str) -> str:
        """What stands for the name: `<host-2>`."""
        numbers = self._known.setdefault(kind, {})
        digest = hmac.new(self._salt, f"{kind}|{name.casefold()}".encode(), "sha256").hexdigest()[:32]
        number = numbers.get(digest) or max(numbers.values(), default=0) + 1
        numbers[digest] = number
        self._used.setdefault(kind, set()).add(number)
        return f"<{kind}-{number}>"

    @property
    def counts(self) -> dict[str, int]:
        """How many different names of each kind were hidden so far."""
        return {kind: len(numbers) for kind, numbers in sorted(self._used.items())}

    def keep(self, place: Path) -> None:
        """Writes the map; `OSError` where it cannot be kept."""
        newest = {
            kind: dict(sorted(one.items(), key=lambda item: item[1])[-MOST:])
            for kind, one in self._known.items()
        }
        kept.write(
            place / FILE, {"schema": "seawall.report-names/1", "salt": self._salt.hex(), "names": newest}
        )


def load(place: Path | None) -> Names:
    """The map of this machine; a new one where there is none, or it cannot be read."""
    value = kept.read(place / FILE) if place is not None else None
    try:
        salt = bytes.fromhex((value or {}).get("salt", ""))
    except (TypeError, ValueError):
        salt = b""
    if value is None or len(salt) != _SALT:
        return Names(os.urandom(_SALT))
    return Names(salt, _numbers(value.get("names")))


def _numbers(value: Any) -> dict[str, dict[str, int]]:
    if not isinstance(value, dict):
        return {}
    return {
        kind: {digest: n for digest, n in one.items() if isinstance(n, int) and 0 < n < 10**9}
        for kind, one in value.items()
        if isinstance(one, dict)
    }
