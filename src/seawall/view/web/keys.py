"""Who may see the page: a link that works once, the cookie it gives, or the user's token in a header.

All of them are made from the user's token, so `watch --web` needs to ask nobody, and a gateway that is started anew
knows the cookies of the one before. Keyed BLAKE2, each kind under a name of its own: the gateway's challenge answers
anybody with an HMAC of the same token, which is therefore worth nothing here.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from seawall.upstream.headers import OUR_COOKIE

LINK_LIVES = 60.0
"""Seconds in which the link must be opened."""
COOKIE_LIVES = 7 * 86400
"""Seconds; a page that is open all week asks for a new link on Monday."""
COOKIE = OUR_COOKIE.decode()
OPEN = "/seawall/open"
_MOST_SPENT = 256


def _seal(token: str, kind: bytes, text: str) -> str:
    key = hashlib.sha256(token.encode()).digest()
    return hashlib.blake2b(text.encode(), key=key, person=kind, digest_size=24).hexdigest()


def link(token: str, now: float) -> str:
    """The path that opens the page once, within a minute from `now` (UTC seconds)."""
    text = f"{int(now + LINK_LIVES)}-{secrets.token_hex(12)}"
    return f"{OPEN}?key={text}-{_seal(token, b'seawall.link', text)}"


class Keys:
    """What one gateway knows of links and cookies."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._spent: dict[str, float] = {}

    def spend(self, key: str, now: float) -> bool:
        """Whether this is a link's key that is good now; it is not good again."""
        text, _, seal = key.rpartition("-")
        if not self._sealed(b"seawall.link", text, seal) or not _lives(text, now):
            return False
        self._spent = {name: until for name, until in self._spent.items() if until > now}
        if text in self._spent or len(self._spent) >= _MOST_SPENT:
            return False
        self._spent[text] = now + 2 * LINK_LIVES
        return True

    def cookie(self, now: float, *, secure: bool = False) -> str:
        """The `set-cookie` value that lets a browser in."""
        text = f"{int(now + COOKIE_LIVES)}-{secrets.token_hex(12)}"
        value = f"{text}-{_seal(self._token, b'seawall.page', text)}"
        ends = "; Secure" if secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_LIVES}; HttpOnly; SameSite=Strict{ends}"

    def admits(self, headers: Mapping[str, str], now: float) -> bool:
        """Whether a request with these headers (names in lower case) may see anything."""
        if (given := headers.get("x-seawall-token")) is not None:
            return self._is_token(given)
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._is_token(given.strip())
        # A page at another port of this machine is of the same site for a browser, so the cookie alone says too little.
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return False
        return any(self._is_cookie(value, now) for value in _cookies(headers.get("cookie", "")))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _is_cookie(self, value: str, now: float) -> bool:
        text, _, seal = value.rpartition("-")
        return self._sealed(b"seawall.page", text, seal) and _lives(text, now)

    def _sealed(self, kind: bytes, text: str, seal: str) -> bool:
        return hmac.compare_digest(_seal(self._token, kind, text).encode(), seal.encode())


def _cookies(line: str) -> list[str]:
    """The values of our cookie; more than one where an older path's lingers."""
    pairs = (part.strip().partition("=") for part in line.split(";"))
    return [value for name, _, value in pairs if name == COOKIE][:4]


def _lives(text: str, now: float) -> bool:
    """Only of a text whose seal was good, so its beginning is a number of ours."""
    return int(text.partition("-")[0]) > now
