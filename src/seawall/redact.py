"""What may be written or shown: credentials become their vendor's prefix and three stars.

Every pattern runs in linear time: a start that is cheap to find, then one greedy run with nothing
required after it, or runs that cannot overlap. Python's engine would otherwise go quadratic on hostile input.
"""

import re
from collections.abc import Callable, Iterable

MASK = "***"

Mask = Callable[[str, str], str]
"""What stands for a hidden value, given its kind (one of KINDS) and itself; it must not be masked again."""
KINDS = ("key", "mail", "user", "organisation")


def _stars(kind: str, value: str) -> str:
    return f"{MASK}@{MASK}" if kind == "mail" else MASK


# Prefixes that vendors publish. The longest of a family first.
_PREFIX = (
    r"sk-ant-[a-z]{2,12}\d{2}-|sk-ant-|sk-proj-|sk-svcacct-|sk-admin-|sk-or-v1-|[sr]k_(?:live|test)_|sk-"
    r"|AIza|(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z2-7])|A3T[A-Z0-9](?=[A-Z2-7])|ABSK|bedrock-api-key-|ya29\."
    r"|xai-|gsk_|hf_|pplx-|github_pat_|gh[pousr]_|glpat-|xox[abeoprs]-|xapp-|npm_|pypi-|dop_v1_|eyJ"
)
_TAIL = r"[A-Za-z0-9_\-.+/=~]"
# Atomic prefixes: a masked value must not be read as a shorter prefix with a value behind it.
# The set of first letters in front spares most positions the walk through the alternatives.
_KEY = re.compile(rf"(?=[srAaxbyghpnde])(?<![A-Za-z0-9])((?>{_PREFIX})){_TAIL}{{8,}}")
_ANTHROPIC = re.compile(rf"((?>sk-ant-(?:[a-z]{{2,12}}\d{{2}}-)?)){_TAIL}{{8,}}")
"""Unmistakable even when glued to a word before it."""
_PREFIX_ONLY = re.compile(rf"(?<![A-Za-z0-9])(?:{_PREFIX})")
_AZURE = re.compile(r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{20,}")
_PRIVATE = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY)(?: BLOCK)?-----(?! (?:\*\*\*|<[a-z]+-\d+>))"
    r"(?s:.*?-----END [A-Z0-9 ]{0,40}-----|.*)"
)
"""A block that was cut off is masked to the end of the text."""
_USERINFO = re.compile(r"""://(?:[^/\s"'<>@:]*:[^/\s"'<>]*|[^/\s"'<>?#]*)@""")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.%+-])[A-Za-z0-9_.%+-]++@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}"
)
_HOME = re.compile(r"""((?:/home|/Users|[\\/]Users)[\\/]{1,4})([^\\/\s:"'<>|]+)""")
_ORGANISATION = re.compile(
    r"(?i)(org(?:ani[sz]ation)?(?:[-_ ]?id)?\\{0,3}[\"']?\s{0,3}[:= ]\s{0,3}\\{0,3}[\"']?)"
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)(\s{1,8})([A-Za-z0-9_\-.+/=~%:]{8,})")

# A name, perhaps quoted, a separator, perhaps a quote (perhaps escaped, in JSON within JSON).
_JOIN = r"""(\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?)"""


def _either_case(words: str) -> str:
    """A pattern that ignores case without the flag, which would keep the engine from skipping ahead."""
    return re.sub(r"[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", words)


# The last word of a name is looked for by its letters, and the whole of it is looked back at: that is rare.
_NAMED = re.compile(
    f"([KkTtSsPpCc](?:{_either_case('ey|oken|ecret|assword|asswd|assphrase|ode|ig|tate')})"
    r"(?i:(?<=api[-_ ]key)|(?<=apikey)|(?<=access[-_ ]key)|(?<=accesskey)|(?<=secret[-_ ]key)|(?<=secretkey)"
    r"|(?<=[-_?&]token)|(?<=[-_]secret)|(?<=clientsecret)|(?<=password)|(?<=passwd)|(?<=passphrase)"
    r"|(?<=[?&]key)|(?<=[?&]code)|(?<=[?&]sig)|(?<=[?&]state))(?:[-_ ]?[Ii][Dd])?)"
    rf"(?![A-Za-z0-9]){_JOIN}"
    r"""([^\s"'\\,;&}\]]{4,})"""
)
_LINE = re.compile(
    rf"([AaCc](?i:(?<=a)uthorization|(?<=c)ookie|(?<=a)nthropic_custom_headers)){_JOIN}"
    r"""([^\r\n"'\\]{4,})"""
)
"""Names whose whole value is secret, blanks and all."""


_RANDOM = re.compile(r"(?<![A-Za-z0-9_+/=*-])[A-Za-z0-9_+/=-]{32,}")
"""A run that long may be a credential of a vendor who publishes no prefix."""
_PART = re.compile(r"[-_/+=. ]+")
_PLAIN = re.compile(
    r"(?:[A-Z]{0,4}[a-z]{2,40}+){1,8}+|[A-Z]{1,24}|[a-z]|\d{1,10}|[A-Za-z]{1,12}\d{1,4}[a-z]?|v\d+[a-z]?\d*"
)
_IDS = re.compile(
    r"(?:req|vpce|msg|toolu|srvtoolu|mcptoolu|call|file|msgbatch|batch|sw|container|resp|chatcmpl|gen|evt)[_-]"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![A-Za-z0-9])"
)
"""Names of requests, messages, calls and private addresses: support needs them, and they open nothing."""


def random_looking(token: str, least: int = 16) -> bool:
    """Whether so many characters of a token without blanks are in parts that no person would have chosen."""
    if _IDS.match(token):
        return False
    parts = [part for part in _PART.split(token) if len(part) >= 6 and not _PLAIN.fullmatch(part)]
    return sum(map(len, parts)) >= least


def text(s: str, masked: Mask = _stars) -> str:
    """`s` with every credential, address of a person and home folder masked; in time linear in its length."""
    s = credentials(s, masked)
    s = _EMAIL.sub(lambda found: masked("mail", found[0]), s)
    s = _HOME.sub(lambda found: found[1] + _once(found[2], "user", masked), s)
    return _ORGANISATION.sub(lambda found: found[1] + masked("organisation", found[2]), s)


def credentials(s: str, masked: Mask = _stars) -> str:
    """`s` with every credential masked; what it says of people and their folders stays, for texts that do not leave."""

    def value(found: re.Match[str]) -> str:
        return found[1] + found[2] + _kept(found[3], masked)

    s = _whole(s, masked)
    s = _LINE.sub(value, s)
    s = _SCHEME.sub(lambda found: _scheme(found, masked), s)
    return keys(_NAMED.sub(value, s), masked)


def keys(s: str, masked: Mask = _stars) -> str:
    """`s` with every credential masked that is known by its looks, and none by the name before it."""
    s = _whole(s, masked)
    s = _ANTHROPIC.sub(lambda found: found[1] + masked("key", found[0]), s)
    s = _KEY.sub(lambda found: found[1] + masked("key", found[0]), s)
    s = _AZURE.sub(lambda found: masked("key", found[0]), s)
    return _RANDOM.sub(lambda found: masked("key", found[0]) if random_looking(found[0]) else found[0], s)


def _whole(s: str, masked: Mask) -> str:
    """Blocks and addresses, which other patterns would take apart."""
    return userinfo(
        _PRIVATE.sub(lambda found: f"-----BEGIN {found[1]}----- {masked('key', found[0])}", s), masked
    )


RUN = re.compile(r"(?<![A-Za-z0-9_+/=*-])[A-Za-z0-9_+/=-]{20,}")
"""A run of signs that may be a key of a kind that nobody here knows."""


def line(s: str) -> str:
    """`credentials` for a line that repeats what somebody typed: a shorter run that nobody would choose goes too."""
    return RUN.sub(lambda found: MASK if random_looking(found[0]) else found[0], credentials(s))


def keyed(s: str) -> bool:
    """Whether there is a key in it that is known by its vendor's prefix."""
    return bool(_KEY.search(s) or _ANTHROPIC.search(s) or _AZURE.search(s))


def userinfo(s: str, masked: Mask = _stars) -> str:
    """`s` with the user and password of every address in it masked, and nothing else."""
    return _USERINFO.sub(lambda found: f"://{_once(found[0][3:-1], 'key', masked)}@", s)


def holds_key(s: str) -> bool:
    """Whether `text` would mask a credential in `s`, beyond addresses, homes and organisations."""
    patterns = (_KEY, _ANTHROPIC, _PRIVATE, _AZURE, _LINE, _NAMED)
    hidden = any(not found[0].endswith(MASK) for pattern in patterns for found in pattern.finditer(s))
    hidden = hidden or any(_scheme(found, _stars) != found[0] for found in _SCHEME.finditer(s))
    return hidden or any(random_looking(found[0]) for found in _RANDOM.finditer(s))


def _scheme(found: re.Match[str], masked: Mask) -> str:
    # "Bearer authentication failed" is prose, and its meaning is needed; a token is not one plain word.
    if found[3].isalpha() and len(found[3]) <= 16 and (found[3].islower() or found[3].istitle()):
        return found[0]
    return found[1] + found[2] + _kept(found[3], masked)


_DONE = re.compile(r"\*\*\*|<[a-z]+-\d+>|~")
"""A value that stands for a hidden one already."""


def _once(value: str, kind: str, masked: Mask) -> str:
    return value if _DONE.fullmatch(value) else masked(kind, value)


def _kept(value: str, masked: Mask) -> str:
    """What may remain of a secret value: the vendor's prefix."""
    prefix = _PREFIX_ONLY.search(value, 0, 64)
    head = prefix[0] if prefix else ""
    rest = value.removeprefix(head)
    return value if not rest or _DONE.fullmatch(rest) else head + masked("key", value)


_SECRET_NAMES = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "set-cookie",
        "x-amz-security-token",
        "anthropic-user-profile-id",
    }
)
_SECRET_PARTS = (
    "token",
    "secret",
    "auth",
    "apikey",
    "api-key",
    "password",
    "credential",
    "cookie",
    "session",
)
_OPEN_NAMES = ("anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-", "www-authenticate",
               "proxy-authenticate")  # fmt: skip
"""They carry counts of tokens and challenges, no secrets."""


def secret_header(name: str) -> bool:
    """Whether the value of the header `name` (any case) must never be shown or stored."""
    low = name.lower()
    if low in _SECRET_NAMES:
        return True
    return not low.startswith(_OPEN_NAMES) and any(part in low for part in _SECRET_PARTS)


def headers(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Headers as they may be shown: names whole, secret values masked, other values passed through `text`."""
    shown = []
    for name_bytes, value_bytes in pairs:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        shown.append((name, _kept(value, _stars) if secret_header(name) else text(value)))
    return shown
