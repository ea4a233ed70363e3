"""Whose key is it, and is it whole? Told from its form alone: a key of another vendor never leaves this machine.

Facts: `set` (where each is), `kinds` (prefixes of Claude's own), `saved_login`; never a value. Signs:
`account.wrong_vendor` (decisive by a published form; strong where a key is of no form of Claude's),
`account.malformed_key`, `account.invalid_api_key`, `account.oauth_not_allowed` (decisive).
"""

import re

from seawall.causes.vendors import VENDORS
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.doctor.subject import Subject

KINDS = (
    ("sk-ant-admin", "an admin key, which calls no model"),
    ("sk-ant-api01-", "a compliance key, which calls no model"),
    ("sk-ant-oat", "the token of a login"),
    ("sk-ant-ort", "a refresh token, which calls no model"),
    ("sk-ant-sid", "a browser's session, which calls no model"),
    ("sk-ant-", "a Claude key"),
)
_OPENAI_OLD = re.compile(r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}")
_FORMS = (
    (_OPENAI_OLD, "sk-", "an OpenAI key"),
    (re.compile(r"sk-[0-9a-f]{32}"), "sk-", "a DeepSeek key"),
    (re.compile(r"A3T[A-Z0-9][A-Z2-7]{16}"), "A3T", "an AWS access key"),
    (re.compile(r".{3}[0-9]Q~.{31,34}"), "", "a client secret of Azure"),
    (re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"), "eyJ", "a token in JWT form"),
)
"""Forms without a beginning of their own."""
_PLACEHOLDER = re.compile(
    r"(?i)your[-_ ]|x{4,}|\.\.\.|…|<|\$\{?\w|changeme|placeholder|example|^sk-ant-?$|^(test|dummy|none|null)$"
)
_FULL = 108
"""Characters of a key that begins with sk-ant-api03-."""
_LEAST = 20
"""Characters: every vendor's keys are longer, so no other vendor is named for less."""
_MOST = 1000
"""No generation of keys has been longer than some hundred; a header of a kilobyte is refused by many servers."""


def vendor(key: str) -> tuple[str, str] | None:
    """Another vendor's prefix and what it is the beginning of."""
    if len(key) < 5000:
        for form, prefix, said in _FORMS:
            if form.fullmatch(key):
                return prefix, said
    return next((one for one in VENDORS if key.startswith(one[0])), None)


def damage(key: str) -> str:
    """What is wrong with the form of a value that is to be a Claude credential; empty if nothing can be seen."""
    if not key.strip():
        return "is blank"
    if broken := re.search(r"[\r\n\0]", key):
        return f"has a line break or NUL at character {broken.start() + 1}"
    if key != key.strip():
        return "begins or ends with a blank"
    if key[0] in "\"'" or key[-1] in "\"'":
        return "has quotes around it"
    if key.lower().startswith(("bearer ", "x-api-key")):
        return "has a header's name before it"
    if not key.isascii() or not key.isprintable():
        place = next(i for i, c in enumerate(key) if not c.isascii() or not c.isprintable())
        return f"has a sign that no key has at character {place + 1}"
    if _PLACEHOLDER.search(key) and len(key) < 60:
        return "is a placeholder"
    if " " in key:
        return "has a blank in it"
    if key.startswith("sk-ant-api03-") and len(key) < _FULL:
        return f"is cut off: {len(key)} characters where there should be {_FULL}"
    if key.startswith("sk-ant-") and len(key) > _MOST:
        return f"is too long: {len(key)} characters; something else was pasted with it"
    return ""


def kind(key: str) -> tuple[str, str]:
    """Prefix and name of one of Anthropic's own credentials; empty where it is none."""
    return next((one for one in KINDS if key.startswith(one[0])), ("", ""))


def _signs(name: str, value: str, where: str, subject: Subject) -> list[Sign]:
    place = f"set in {where}"
    own = not (subject.base_url or subject.inferred) or subject.api.host.endswith("anthropic.com")
    if found := vendor(value.strip().strip("\"'")):
        if not own:  # other gateways give out keys of their own
            return []
        begins = (
            f"begins with {found[0]}, the form of {found[1]}" if found[0] else f"has the form of {found[1]}"
        )
        text = f"{name} {begins}; {len(value)} characters; {place}"
        return [Sign("account.wrong_vendor", text, Weight.DECISIVE, title=f"{name} holds {found[1]}")]
    prefix, said = kind(value)
    wrong = damage(value)
    if not wrong and len(value) < _LEAST and (own or prefix):
        wrong = f"is too short for a key: {len(value)} character{'s' if len(value) > 1 else ''}"
    if wrong:
        return [
            Sign(
                "account.malformed_key", f"{name} {wrong}; {place}", Weight.DECISIVE, title=f"{name} {wrong}"
            )
        ]
    if not prefix and own and name == "ANTHROPIC_API_KEY":
        # Certain it is not: a form that nobody has published yet may be Claude's too.
        text = f"{name} does not begin with sk-ant-, as Claude's keys do; {len(value)} characters; {place}"
        return [Sign("account.wrong_vendor", text, title=f"{name} holds a key of another form than Claude's")]
    if "calls no model" in said or (prefix == "sk-ant-oat" and name == "ANTHROPIC_API_KEY"):
        text = f"{name} holds {said}"
        code = "account.invalid_api_key" if prefix != "sk-ant-oat" else "account.oauth_not_allowed"
        return [
            Sign(code, f"{text} ({prefix}…, {len(value)} characters); {place}", Weight.DECISIVE, title=text)
        ]
    return []


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    names = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")
    set_ = {name: subject.variables[name] for name in names if name in subject.variables}
    facts: dict[str, object] = {
        "set": {name: value.where for name, value in set_.items()},
        "kinds": {name: kind(value.text)[0] for name, value in set_.items()},
        "saved_login": subject.saved_login,
    }
    signs = [sign for name, value in set_.items() for sign in _signs(name, value.text, value.where, subject)]
    if signs:
        return Finding(State.FAIL, signs[0].title, facts, tuple(signs))
    if not set_:
        return Finding(State.SKIP, "no key or token is set here", facts)
    return Finding(State.OK, f"{', '.join(set_)}: nothing wrong to be seen", facts)


CHECK = Check("cred.shape", "key", run)
