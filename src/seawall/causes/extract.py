"""A pasted text as facts: what a terminal, a log, a page or three layers of JSON left of an error.

Every pattern runs in linear time: it starts where a cheap look-behind allows, and its runs cannot overlap.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from seawall.causes.evidence import Body, Evidence, Phase
from seawall.causes.languages import foreign, status_at

MOST = 256 * 1024
"""Characters that are looked at as one text; more is condensed before (`causes/stream.py`)."""
_MOST_PARTS = 400
"""Different errors of one paste that are told apart; with more, the first and the last half of them."""
_MOST_TRIED = 1000
"""Numbers of a text that are looked at as statuses in another language."""
_MOST_SAID = 1500
"""Characters of a part's message: as much as the gateway's rules look at, and more than any vendor's sentence."""

_ANSI = re.compile(
    r"(?:\x1b|\x9b|\\u001b|\\x1b|\\033|\\e|\^\[)"
    r"(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,512}(?:\x07|\x1b\\)?|[@-Z\\^_]|(?<=\x9b)[0-?]{0,32}[@-~])"
)
_LEFT = re.compile(r"\n[ \t]{0,32}(?:\d{1,6}[ \t]{0,8}[|:)→][ \t]|(?:[>|#*$+]|//)[ \t>|#*]{0,16})")
"""Line numbers, quote marks, prompts and comment signs at the left."""
_ESCAPED = re.compile(r"\\+(?:[nrt]|u([0-9A-Fa-f]{4}))?")
_PERCENT = re.compile(r"%([2-7][0-9A-Fa-f])")
_ENTITY = re.compile(r"&(quot|amp|lt|gt|nbsp|apos|#39|#34|#x27|#x22);")
_ENTITIES = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "apos": "'", "#39": "'", "#x27": "'", "#34": '"'}

_SIGNS = (
    dict.fromkeys((*range(0x2500, 0x25A0), *range(0x2800, 0x2900), 0xA0, 0x2028, 0x2029, 0xFFFD), " ")
    | dict.fromkeys(map(ord, "⏺⎿✻✽✶✳✢●○•◦▪►▶❯❱➜✖✘✗✕✓✔⚠⧉※·…"), " ")
    | dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0F, 0xFEFF))
    | dict.fromkeys(map(ord, "“”„‟«»″"), '"')
    | dict.fromkeys(map(ord, "‘’‚‛′"), "'")
    | dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
)
"""Borders, spinners, bullets, typographic signs and what has no width."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTROL = dict.fromkeys([*range(9), *range(11, 32), 127], " ") | {0: None, 13: "\n"}

_UNGLUED = b" \t\n\"'`*\\"
WORD = re.compile(r"[a-z0-9_]+")
_WORDS = bytes(byte if WORD.match(chr(byte)) else 32 for byte in range(256))
"""What is no part of a word, as a blank; all bytes of signs beyond ASCII among it."""
_BROKEN = re.compile(r"\n(?<=[a-z0-9_]\n)[ \t]*([a-z0-9_]+)")
"""Where a narrow terminal may have broken a word, and what came into the next line."""
_LONGEST_WORD = 64


def plain(text: str) -> str:
    """The text without what terminals, logs, JSON, addresses and pages put around it; lines stay."""
    if "\x1b" in text or "\x9b" in text or "^[" in text or "\\" in text:
        text = _ANSI.sub("", text)
    if not text.isascii():
        text = _BEYOND.sub(_sign, text)
        if not text.isascii():
            import unicodedata  # only for texts that have such letters

            text = _BEYOND.sub(_sign, unicodedata.normalize("NFKC", text))
    if _CONTROLS.search(text):
        text = text.translate(_CONTROL)
    if "%22" in text or "%20" in text or "%7B" in text or "%7b" in text:
        text = _PERCENT.sub(lambda found: chr(int(found[1], 16)), text.replace("+", " "))
    if "&" in text:
        text = _ENTITY.sub(lambda found: _ENTITIES.get(found[1], " "), text)
    if "\n" in text:
        text = _LEFT.sub("\n", text)
    return text


_BEYOND = re.compile(r"[^\x00-\x7f]+")


def _sign(found: re.Match[str]) -> str:
    return found[0].translate(_SIGNS)


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16)).translate(_SIGNS)
    return " " if found[0][-1] in "nrt" else ""


def glue(text: str) -> str:
    """Lower case without blanks, quotes and line ends: what says the same is the same, however it was wrapped."""
    return _glued("".join(text.lower().split()).encode("utf-8", "surrogatepass"))


def _glued(raw: bytes) -> str:
    # Of bytes, signs are taken out ten times as fast as of text.
    return raw.translate(None, _UNGLUED).decode("utf-8", "surrogatepass")


def words(raw: bytes) -> set[str]:
    """The words of a lower-case text in UTF-8: what `WORD` finds, in half the time."""
    return set(raw.translate(_WORDS).decode().split())


class Part:
    """One error of a paste: a stretch of its text, in lower case on one line.

    `count` is how often it stands there but for counters and times, `first` the place where it first does among the
    errors of the paste; `glued` and `words` are what is searched.
    """

    __slots__ = ("_statuses", "count", "first", "flat", "glued", "words")

    def __init__(self, flat: str, count: int = 1, first: int = 0) -> None:
        self.flat = flat
        self.count = count
        self.first = first
        raw = flat.encode("utf-8", "surrogatepass")
        self.glued = _glued(raw)
        self.words = words(raw)
        self._statuses: tuple[int, ...] | None = None

    @property
    def statuses(self) -> tuple[int, ...]:
        """HTTP statuses, in order."""
        if self._statuses is None:
            self._statuses = tuple(_statuses(self.flat, self.words))
            if not _LOOKS_529.isdisjoint(self.words) and _MISREAD.search(self.flat):
                self._statuses += (529,)
        return self._statuses

    @property
    def status(self) -> int | None:
        """The one of a failure that it is about: the most frequent, of equals the last."""
        turned = [status for status in self.statuses[::-1] if status >= 300]
        return max(dict.fromkeys(turned), key=turned.count) if turned else None

    @property
    def type(self) -> str | None:
        """The innermost of Anthropic's error types."""
        found = TYPES & self.words
        if len(found) > 1:
            return max(found, key=self.flat.rfind)
        return next(iter(found), None)

    def evidence(self) -> Evidence:
        """What the part says, as the gateway would have seen it."""
        at = self.flat.find("message")
        return Evidence(
            phase=Phase.HEAD,
            status=self.status,
            body=_body(self.flat),
            error_type=self.type,
            error_code=None,
            message=self.flat[max(at, 0) : max(at, 0) + _MOST_SAID],
        )


TYPES = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "timeout_error",
        "api_error",
        "overloaded_error",
        "conflict_error",
    }
)


PAGE = ("<html", "<!doctype", "</title>", "</head>")
"""Of these one stands in every page."""


def _body(flat: str) -> Body:
    if any(sign in flat for sign in PAGE):
        return Body.HTML
    if "{" in flat:
        return Body.JSON
    return Body.EMPTY if "no body" in flat else Body.TEXT


_NUMBER = re.compile(r"[1-5]\d\d(?<![a-z\d_./,#$-]...)(?<!\d:...)(?![a-z\d_]|:[a-z\d]|[.,%]\d|%)")
"""Begins with the digits, so that they are what is looked for; what may not stand before them comes after."""
_BEFORE = re.compile(
    r"(?:error|errors|status|statuscode|code|https?|https?/\d(?:\.\d)?|failed|fail|response|returned|got|status_code"
    r"|statustext|err)\W{0,6}$"
)
_AFTER = re.compile(
    r"\W{0,4}(?:\{|\[|<|bad |unauthor|forbid|not found|too many|internal|service|gateway|overload|upstream|no healthy"
    r"|status code|proxy|payment|request|client error|server error|method|conflict|precondition|unprocess|page not)"
)
_HTTP = frozenset(
    (*range(200, 209), *range(300, 309), *range(400, 432), 451, 499, *range(500, 512), *range(520, 531))
)
_LOOKS_529 = frozenset(("5z9", "s29", "52g", "5zg", "s2g", "sz9"))
"""What readers of screenshots make of the number."""
_MISREAD = re.compile(
    r"(?:(?:^|er{1,2}[o0a]r|ap[il1]|code|status|http)\W{0,4}|repeated )(?:5z9|s29|52g|5zg|s2g|sz9)(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:5z9|s29|52g|5zg|s2g|sz9)\W{1,4}[o0]ver"
)
"""... where the number would stand; noise has such letters as well."""


def _statuses(flat: str, words: set[str]) -> Iterable[int]:
    tried = 0
    for found in _NUMBER.finditer(flat):
        start, end = found.span()
        if (status := int(found[0])) not in _HTTP:
            continue
        if not flat.startswith(":", end) and (
            (start < 8 and not flat[:start].strip(" \"'`([{>"))
            or _BEFORE.search(flat, max(0, start - 24), start)
            or _AFTER.match(flat, end)
        ):
            yield status
        elif status >= 400 and tried < _MOST_TRIED and foreign(flat, words):
            tried += 1
            if status_at(flat, start, words):
                yield status


_NEXT = re.compile(
    r"(?=api error(?:: | \()|failed to connect to |(?<!\()attempt \d{1,3}: )|(?<=[}\]])[, ]{0,3}(?={\"error\":\"[a-z])"
)
"""Where another error of a paste begins: Claude Code's own lines, and the list that its bug report makes."""
VARIES = re.compile(
    r"[^a-z{<]{0,8}retrying in .*|req_\w+|(?<![\d:])\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|\d{4}-\d\d-\d\d[t ][\d:.,]+(?:z|[+-]\d\d:?\d\d)?|(?<![\w.])\d+(?:\.\d+)? ?m?s(?![a-z])"
    r"|(?<![a-z])(?:attempt|try|retry|request|call|run) ?#?\d{1,4}(?: ?(?:/|of) ?\d{1,4})?(?!\d)"
    r"|^\W{0,8}\d{1,4}[.\])] |[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\"(?:id|n|no|seq|ts|time|timestamp)\": ?[\d.]+"
)
"""What differs between two errors of a paste that are the same: counters, times, ids."""


class Facts:
    """What a text says, before anybody concludes anything from it.

    `broken` are words made of two that a line end stands between; `spelled` is the text with its lines and capitals.
    """

    def __init__(self, spelled: str, flat: str, parts: tuple[Part, ...], broken: frozenset[str]) -> None:
        self.spelled = spelled
        self.flat = flat
        self.parts = parts
        self.whole = parts[0] if len(parts) == 1 else Part(flat)
        self.broken = broken

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """Names of machines, each once, in order."""
        if not _IS_HOST.search(self.flat):
            return ()
        return tuple(dict.fromkeys(found[0].rstrip(".") for found in _HOST.finditer(self.flat)))

    @cached_property
    def request_id(self) -> str | None:
        found = re.search(r"(?<![a-z0-9_])req_[a-z0-9_]{6,60}", self.flat)
        return self._spelled(found[0]) if found else None

    @cached_property
    def attempt(self) -> tuple[int, int] | None:
        """The last counter of a client's retries: which attempt, of how many."""
        return (int(self._attempts[-1][0]), int(self._attempts[-1][1])) if self._attempts else None

    @property
    def first_attempt(self) -> int | None:
        """The first such counter."""
        return int(self._attempts[0][0]) if self._attempts else None

    @cached_property
    def _attempts(self) -> list[tuple[str, str]]:
        return _ATTEMPT.findall(self.flat)

    @cached_property
    def resets(self) -> str | None:
        """When a limit resets, as the text says it."""
        found = _RESETS.search(self.flat)
        return self._spelled(found[1]) if found else None

    def _spelled(self, low: str) -> str:
        """What of the lower-case text this is, as it was spelled."""
        found = re.search(r"\s+".join(map(re.escape, low.split())), self.spelled, re.IGNORECASE)
        return " ".join(found[0].split()) if found else low


_ATTEMPT = re.compile(r"attempt (\d{1,3}) ?(?:/|of) ?(\d{1,3})(?!\d)")
_RESETS = re.compile(
    r"(?:resets?|regain access)(?: at| on)? (\d{1,2}(?::\d\d)? ?[ap]m(?: \([a-z_/+-]{1,40}\))?|\d{1,2}:\d\d"
    r"|in \d[\dhms ]{0,12}|20\d\d-\d\d-\d\d(?: at \d\d:\d\d utc)?)"
)
# What goes on behind another dot is the name of a class or a package: `java.net.SocketException`.
_TOP = (
    r"(?:com|net|org|io|ai|dev|app|cloud|cn|co|me|xyz|top|us|eu|de|uk|local|internal|corp|lan|run|sh|so|gg|site"
    r"|tech|info)(?![a-z0-9-]|\.[a-z0-9_]{3})"
)
_HOST = re.compile(rf"(?<![a-z0-9.@_-])(?:[a-z0-9-]{{1,63}}+\.(?=[a-z0-9])){{1,8}}{_TOP}")
_IS_HOST = re.compile(rf"\.{_TOP}")
"""How every host's name ends: looked for first, as most texts have none."""


def read(text: str) -> Facts:
    """The facts of a text, whatever it is; looks at `MOST` characters."""
    text = plain(text[:MOST])
    if "\\" in text:
        # The most frequent two first, as that is quick.
        text = text.replace('\\"', '"').replace("\\n", " ")
        if "\\" in text:
            text = _ESCAPED.sub(_unescaped, text)
    low = text.lower()
    broken = frozenset(_mended(low)) if "\n" in low else _NONE
    flat = " ".join(low.split())
    return Facts(text, flat, _parts(flat), broken)


_NONE: frozenset[str] = frozenset()


def _mended(low: str) -> Iterable[str]:
    """The words that a line end may stand in, whole."""
    for found in _BROKEN.finditer(low):
        end = found.start()
        before = WORD.match(low[max(0, end - _LONGEST_WORD) : end][::-1])
        yield (before[0][::-1] if before else "") + found[1]


def _parts(flat: str) -> tuple[Part, ...]:
    return (_may_be_several(flat) and parts_of((flat,))) or (Part(flat),)


def parts_of(texts: Iterable[str]) -> tuple[Part, ...]:
    """The errors of these stretches of a text, each once; none where there is only one."""
    pieces = [piece for text in texts for piece in _split(text)]
    if len(pieces) < 2:
        return ()
    counts: dict[str, int] = {}
    shown: dict[str, str] = {}
    first: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        key = VARIES.sub("", piece).strip()
        first.setdefault(key, number)
        # The order of the last appearance: the last state is what counts.
        counts[key] = counts.pop(key, 0) + 1
        shown[key] = piece
    keys = list(counts)
    if len(keys) > _MOST_PARTS:
        keys = keys[: _MOST_PARTS // 2] + keys[-_MOST_PARTS // 2 :]
    return tuple(Part(shown[key], counts[key], first[key]) for key in keys)


def _may_be_several(flat: str) -> bool:
    return (
        flat.count("api error") + flat.count("failed to connect to ") > 1
        or '{"error":"' in flat
        or ("attempt " in flat and flat.count("attempt ") > 1)
    )


def _split(flat: str) -> list[str]:
    return [piece for piece in _NEXT.split(flat) if piece] if _may_be_several(flat) else [flat]
