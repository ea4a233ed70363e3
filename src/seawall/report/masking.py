"""The second and third layer of a report's redaction: patterns over every string, and a last look at what is written.

The first is that only named fields are collected (`collect.py`).
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from seawall import redact
from seawall.report.hidden import Hidden, core
from seawall.report.names import Names

REVEALABLE = ("user", "host", "address", "mail", "organisation", "path")
"""What a person may choose to show; keys are never among them."""
RUN = 12
"""So many characters in a row of a secret are one too many."""
PUBLIC = (
    "anthropic.com", "claude.com", "claude.ai", "github.com", "githubusercontent.com", "example.com", "example.org",
    "example.net", "gstatic.com", "amazonaws.com", "api.aws", "googleapis.com", "nodejs.org", "python.org",
)  # fmt: skip
"""Hosts that everybody's calls go to: naming them says nothing of anybody."""
# Names under these are hosts; those of countries that are also endings of files or words are left to the places
# where only a host can stand.
_TOP = (
    "com|net|org|edu|gov|mil|int|io|dev|app|cloud|ai|tech|systems|internal|intra|intranet|corp|lan|local|home|private"
    "|localdomain|example|test|invalid|arpa|onion|biz|info|xyz|online|site|company|bank|de|uk|fr|nl|es|eu|us|ca|au|jp|cn|kr"
    "|br|ru|ua|se|dk|fi|ch|cz|pt|ie|nz|za|mx|tr|gr|hu|ro|sk|si|hr|il|ae|sg|hk|tw|th|vn|ar|cl|pe"
)
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(
    rf"(?<![A-Za-z0-9_.@/\\%+-])(?:{_LABEL}\.){{1,8}}(?:{_TOP})(?![A-Za-z0-9_-]|\.[A-Za-z0-9])", re.I
)
_AUTHORITY = re.compile(r"(?<=://)(?:[^/\s\"'@]{1,200}@)?([A-Za-z0-9_.-]{1,253})")
_AFTER_AT = re.compile(r"(?<=@)([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)")
_FOUR = re.compile(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d]|\.\d)")
_SIX = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{2,45}(?:%[A-Za-z0-9]{1,15})?(?![0-9A-Za-z:])")
_COMPONENT = r"[^\s/\\\"'<>|:;,()\[\]{}`]{1,80}"
_PATH = re.compile(
    r"(?<![A-Za-z0-9_.~:/\\<>%&=?-])(?>(?:[A-Za-z]:)?"
    rf"(?:[/\\]{{1,2}}{_COMPONENT}(?: (?=[A-Z0-9]){_COMPONENT}){{0,5}}(?=[/\\])){{1,30}}[/\\]{{1,2}}{_COMPONENT})"
    r"(?![/\\]{1,2}<)"
)
"""Two names deep at least; in all but the last, words with a capital or a digit may follow a blank."""
_EVERYBODYS = (
    "/v1/", "/api/", "/dev/", "/proc/", "/usr/", "/bin/", "/lib/", "/etc/ssl/", "/etc/pki/", "/etc/resolv.conf",
    "/etc/environment", "/etc/profile", "/etc/zshenv", "/etc/claude-code/", "/Library/Application Support/ClaudeCode",
    "/home/", "/Users/",
)  # fmt: skip
"""Files that are on every machine, paths of the API, and homes, of which the name is hidden."""
_MASKED = re.compile(r"<[a-z]+-\d+>")
_ROUNDS = 6
"""A sign in place of one name may lay bare another beside it; twice is the usual number."""
_ID = re.compile(r"[A-Za-z0-9_-]{8,}")
_HELD = "\ue000"
"""Stands around the number of an id while the rest is masked; no text has it, as it is not printable."""
_BACK = re.compile(f"{_HELD}(\\d+){_HELD}")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that must not go out: the file, its line (from 1), and what it looks like."""

    file: str
    line: int
    what: str


class Masker:
    """Hides, in any text, what is secret or names somebody; the same name by the same sign.

    `reveal`: kinds that stay; `ids`: names of requests, which stay whatever they look like.
    """

    def __init__(
        self, hidden: Hidden, names: Names, reveal: Collection[str] = (), ids: Collection[str] = ()
    ) -> None:
        self._hidden = hidden
        self._names = names
        self._reveal = frozenset(reveal) & frozenset(REVEALABLE)
        self._ids = frozenset(ids)
        self._secrets = _either(hidden.secrets)
        self._here = _either(
            _spellings(hidden.here), before=r"(?<![A-Za-z0-9_.-])", after=r"(?![A-Za-z0-9_.-])"
        )
        self._homes = _either(
            _spellings(hidden.homes), before=r"(?<![A-Za-z0-9_.-])", after=r"(?![A-Za-z0-9_.-])"
        )
        self._users = _either(hidden.users, before=r"(?<![A-Za-z0-9])", after=r"(?![A-Za-z0-9])", flags=re.I)
        common = _either(hidden.common_users, flags=re.I)
        self._common = common and re.compile(
            r"(?i)((?<=~)|(?<=[-/\\]home[-/\\])|(?<=[-/\\]users[-/\\])"
            r"|\b(?:user|username|login|account)[ =:]{1,3}(?:name )?[\"']?)"
            rf"({common.pattern})(?![A-Za-z0-9])|(?<![A-Za-z0-9._%+-])({common.pattern})(?=@)"
        )
        self._hosts = _either(
            hidden.hosts, before=r"(?<![A-Za-z0-9_-])", after=r"(?![A-Za-z0-9_-])", flags=re.I
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """How many different names of each kind were hidden so far."""
        return self._names.counts

    def text(self, s: str) -> str:
        """`s` with everything hidden that must be; what it returns it would return unchanged."""
        held: list[str] = []

        def hold(found: re.Match[str]) -> str:
            if found[0] not in self._ids:
                return found[0]
            held.append(found[0])
            return f"{_HELD}{len(held) - 1}{_HELD}"

        if self._ids:
            s = _ID.sub(hold, s)
        for _ in range(_ROUNDS):
            before, s = s, self._once(s)
            if s == before:
                break
        return _BACK.sub(lambda found: held[int(found[1])], s) if held else s

    def _once(self, s: str) -> str:
        s = redact.userinfo(s, self._masked)  # before a password that is known takes it apart
        if self._secrets:
            s = self._secrets.sub(lambda found: self._masked("key", found[0]), s)
        if self._homes and "user" not in self._reveal:
            s = self._homes.sub("~", s)
        if self._here and "path" not in self._reveal:
            s = self._here.sub(".", s)
        s = redact.text(s, self._masked)
        s = redact.RUN.sub(lambda found: self._masked("key", found[0]) if _strange(found[0]) else found[0], s)
        s = _PATH.sub(self._path, s)
        if "user" not in self._reveal:
            if self._users:
                s = self._outside(self._users, "user", s)
            if self._common:
                s = self._common.sub(self._person, s)
        return self._addresses(self._machines(s))

    def _path(self, found: re.Match[str]) -> str:
        path = found[0]
        if path.startswith(_EVERYBODYS) or _MASKED.search(path):
            return path
        return self._masked("path", path)

    def _masked(self, kind: str, value: str) -> str:
        return value if kind in self._reveal else self._names.masked(kind, value)

    def _person(self, found: re.Match[str]) -> str:
        return (found[1] or "") + self._masked("user", found[2] or found[3])

    def _outside(self, pattern: re.Pattern[str], kind: str, s: str) -> str:
        """The pattern's finds masked, but for those inside of what stands for something already."""
        either = re.compile(f"({_MASKED.pattern})|(?:{pattern.pattern})", pattern.flags)
        return either.sub(lambda found: found[1] or self._masked(kind, found[0]), s)

    def _machines(self, s: str) -> str:
        if "host" in self._reveal:
            return s
        s = _AUTHORITY.sub(lambda found: found[0].replace(found[1], self._host(found[1])), s)
        s = _AFTER_AT.sub(lambda found: self._host(found[1]), s)
        if self._hosts:
            s = self._outside(self._hosts, "host", s)
        return _HOST.sub(lambda found: self._host(found[0]), s)

    def _host(self, name: str) -> str:
        low = name.lower().rstrip(".")
        if low == "localhost" or _is_address(low):
            return name
        if any(low == public or low.endswith(f".{public}") for public in PUBLIC):
            return name
        return self._masked("host", low)

    def _addresses(self, s: str) -> str:
        if "address" in self._reveal:
            return s
        s = _FOUR.sub(self._address, s)
        return _SIX.sub(lambda found: self._address(found) if found[0].count(":") >= 2 else found[0], s)

    def _address(self, found: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(found[0])
        except ValueError:
            return found[0]
        if address.is_loopback or address.is_unspecified:
            return found[0]
        return self._masked("address", str(address))


def look(files: Mapping[str, str], masker: Masker, hidden: Hidden, ids: Collection[str] = ()) -> Hit | None:
    """The first thing in finished files that must not go out; `ids` are names of requests, which may."""
    grams = {
        secret[at : at + RUN] for one in hidden.secrets for secret in (core(one),) for at in _starts(secret)
    }
    open_ = frozenset(ids)
    for name, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if grams and any(line[at : at + RUN] in grams for at in _starts(line)):
                return Hit(name, number, "part of the value of a secret variable")
            if _random(line, open_):
                return Hit(name, number, "something that looks like a key")
        if (again := masker.text(text)) != text:
            pairs = zip(text.splitlines(), again.splitlines(), strict=False)
            number = next((n for n, (old, new) in enumerate(pairs, 1) if old != new), 1)
            return Hit(name, number, "something that is masked elsewhere")
    return None


def _starts(text: str) -> range:
    return range(len(text) - RUN + 1)


def _random(line: str, ids: Collection[str]) -> bool:
    return any(found[0] not in ids and _strange(found[0]) for found in redact.RUN.finditer(line))


def _strange(token: str) -> bool:
    return redact.random_looking(token, 14)


def _either(
    values: Collection[str], before: str = "", after: str = "", flags: re.RegexFlag = re.NOFLAG
) -> re.Pattern[str] | None:
    """Any of the values, the longest first; None where there is none."""
    if not values:
        return None
    return re.compile(f"{before}(?:{'|'.join(map(re.escape, values))}){after}", flags)


def _spellings(homes: Collection[str]) -> list[str]:
    """Each path as it is, with the other slashes, and with those doubled as JSON does."""
    found = []
    for home in homes:
        windows = home.replace("/", "\\")
        found += [home, windows, windows.replace("\\", "\\\\"), home.replace("/", "\\/")]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
