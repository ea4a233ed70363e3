"""Whose calls are whose, without knowing anybody: salted hashes of credentials, and of the organisations behind."""

import hashlib
from collections import OrderedDict

_MOST = 10_000


class Accounts:
    """Names accounts. Two keys of one organisation are one account once an answer has said so."""

    def __init__(self, salt: bytes) -> None:
        self._keyed = hashlib.blake2b(key=salt, digest_size=8)
        self._organisations: OrderedDict[str, str] = OrderedDict()
        self._names: dict[str, str] = {}
        """Each name once, for all held calls that bear it."""

    def hash(self, secret: bytes) -> str:
        """Sixteen hex digits that tell credentials apart and tell nothing of them."""
        hashed = self._keyed.copy()
        hashed.update(secret)
        name = hashed.hexdigest()
        if len(self._names) > _MOST:
            self._names.clear()
        return self._names.setdefault(name, name)

    def account(self, credential: str) -> str:
        """The account of a credential's hash: its organisation's hash where it is known."""
        return self._organisations.get(credential, credential)

    def learn(self, credential: str, organisation: bytes | None) -> str | None:
        """An answer to this credential named its organisation (`anthropic-organization-id`); the account, if it was not
        known before."""
        if organisation is None:
            return None
        if credential in self._organisations:
            self._organisations.move_to_end(credential)  # who is in use is not forgotten
            return None
        account = self._organisations[credential] = self.hash(organisation)
        if len(self._organisations) > _MOST:
            self._organisations.popitem(last=False)
        return account
