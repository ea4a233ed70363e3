"""What must not be in a report, as far as this machine knows it: secrets of its environment, its people, its hosts."""

import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seawall.causes.cause import CATALOGUE
from seawall.origin import ip_of

SHORTEST = 6
"""A value of fewer characters is no credential, and would be found in ordinary words."""
_SECRET_NAME = re.compile(
    r"(?i)token|secret|passw|passphrase|credential|cookie|api_?key|(?:^|_)(?:key|pat|pwd|pass|auth)$|access_?key"
    r"|private_?key|authorization|webhook|dsn$|custom_headers"
)
_NO_SECRET = re.compile(r"-?\d+(?:\.\d+)?|true|false|yes|no|on|off|none|auto", re.I)
_PUBLIC_PREFIX = re.compile(
    r"(?:sk-ant-(?:[a-z]{2,12}\d{2}-)?|sk-(?:proj|svcacct|admin|or-v1)-|[A-Za-z]{2,6}[_-]|AIza|AKIA|ASIA)"
)
# Accounts that many machines have; a report that hid these words would be unreadable.
_COMMON = frozenset(
    """
    admin administrator adm agent app apps bin build builder ci claude claudecode code codespace container daemon debian
    default demo deploy dev developer devuser docker ec2-user fedora git gitlab-runner guest home host jenkins jovyan
    laptop linux local localhost mac macbook machine main me my myuser nobody node office opc openai owner pc pi project
    python root runner sandbox seawall server service shared student sudo super system team temp test tester tmp ubuntu
    user username users vagrant vm vscode web windows work worker workspace
    """.split()  # noqa: SIM905  a list of words reads better so
)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Values that are known by heart; none of them is in its `repr`."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Longest first."""
    homes: tuple[str, ...] = field(default=(), repr=False)
    here: tuple[str, ...] = field(default=(), repr=False)
    """The current folder, whose name is a project's."""
    users: tuple[str, ...] = field(default=(), repr=False)
    """Names that are no ordinary words, and may be hidden wherever they stand."""
    common_users: tuple[str, ...] = field(default=(), repr=False)
    """Names that are: hidden where they stand as a name only."""
    hosts: tuple[str, ...] = field(default=(), repr=False)


def known(
    environ: Mapping[str, str], home: Path, more_secrets: Iterable[str] = (), more_hosts: Iterable[str] = ()
) -> Hidden:
    """What this process can know of its machine."""
    users = {environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")} | {
        home.name,
        *_account(),
    }
    users = {one for one in users if len(one) >= 2}
    ordinary = {one for one in users if len(one) < 4 or one.lower() in _COMMON or one.lower() in words()}
    hosts = {one.strip().rstrip(".").lower() for one in (*more_hosts, *_machine())}
    hosts = {one for one in hosts if ip_of(one) is None}  # those are known by their form
    # A name alone may be an ordinary word; whole names with their domain are not.
    hosts = {
        one for one in hosts if "." in one or (len(one) >= 4 and one not in _COMMON and one not in words())
    }
    homes = {str(home), os.path.realpath(home)} - {"/", "", "/nonexistent"}
    here = _here() - homes
    here |= {f"~{one[len(each) :]}" for one in here for each in homes if one.startswith(f"{each}/")}
    return Hidden(
        secrets=_longest_first({*secret_values(environ), *more_secrets}),
        homes=_longest_first(homes),
        here=_longest_first(here),
        users=_longest_first(users - ordinary),
        common_users=_longest_first(ordinary),
        hosts=_longest_first(hosts - {"localhost", "localhost.localdomain"}),
    )


def secret_values(environ: Mapping[str, str]) -> set[str]:
    """The values of variables that are credentials by their name, and passwords in addresses of any variable."""
    found: set[str] = set()
    for name, value in environ.items():
        if "://" in value and "@" in value:
            found |= _passwords(value)
        if not _SECRET_NAME.search(name):
            continue
        if name.upper() == "ANTHROPIC_CUSTOM_HEADERS":
            found |= {line.partition(":")[2].strip() for line in value.splitlines()}
        elif not (value.startswith(("/", "~", ".")) and os.path.lexists(os.path.expanduser(value))):
            found |= {value, value.strip().strip("'\""), *value.split("\n")}
    return {one for one in found if len(one) >= SHORTEST and not _NO_SECRET.fullmatch(one)}


def core(secret: str) -> str:
    """The part after what everybody may know: the vendor's prefix, or scheme and host of an address."""
    if "://" in secret:
        place, _, rest = secret.partition("://")[2].partition("/")
        user = place.rpartition("@")[0].partition(":")[2]
        return max(rest, user, key=len)
    prefix = _PUBLIC_PREFIX.match(secret)
    return secret[prefix.end() :] if prefix else secret


def _passwords(value: str) -> set[str]:
    try:
        parts = urlsplit(value)
        found = {parts.password or "", unquote(parts.password or "")}
    except ValueError:
        found = set()
    place = value.partition("://")[2].rpartition("@")[0]
    return {one for one in found | {place.partition(":")[2]} if len(one) >= SHORTEST}


def _here() -> set[str]:
    try:
        here = os.getcwd()
    except OSError:  # it is gone
        return set()
    return {here, os.path.realpath(here)} - {"/"}


def _account() -> set[str]:
    """The account's name, and the person's as the system has it."""
    try:
        import pwd

        found = pwd.getpwuid(os.getuid())
    except (ImportError, KeyError, AttributeError):
        return set()
    person = found.pw_gecos.partition(",")[0].strip()
    return {found.pw_name, *([person] if " " in person else [])}


def _machine() -> set[str]:
    """This machine's own names, and the domains that it looks names up in."""
    names = {socket.gethostname()}
    try:
        lines = Path("/etc/resolv.conf").read_text("utf-8", "replace")[:65536].splitlines()
    except OSError:
        lines = []
    for line in lines:
        first, *rest = line.split() or [""]
        if first in ("search", "domain"):
            names |= {one for one in rest if "." in one}
    return names | {
        one.partition(".")[0] for one in names if socket.gethostname().startswith(one.partition(".")[0])
    }


@cache
def words() -> frozenset[str]:
    """Ordinary words, as our own texts use them: a name that is one of them cannot be hidden wherever it stands."""
    text = " ".join(path.read_text("utf-8") for path in CATALOGUE.glob("*.toml"))
    return frozenset(re.findall(r"[a-z]{4,}", text.lower()))


def _longest_first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({one for one in values if one}, key=lambda one: (-len(one), one)))
