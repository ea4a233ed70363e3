"""As whom does Claude Code call: which credential wins, and what does it hide?

Its order: another provider's switch, ANTHROPIC_AUTH_TOKEN, ANTHROPIC_API_KEY, the `apiKeyHelper` of its settings,
CLAUDE_CODE_OAUTH_TOKEN, a saved login. Facts: `used`, `where`, `hidden` (those it wins over, with their places),
`saved_login`. Signs for `account.conflict`: weak where two variables are set, because the SDKs prefer the other one;
neutral for `account.*` where one hides a login or a helper. No value is read, no helper run, no login opened.
"""

from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.subject import Subject

TOKEN, KEY, LOGIN_TOKEN = "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"
HELPER, LOGIN = "apiKeyHelper", "saved login"


def sources(subject: Subject) -> list[tuple[str, str]]:
    """What could be used and where it is set, the one that is used first."""
    variables = subject.variables
    found = [(name, variables[name].where) for name in (TOKEN, KEY) if name in variables]
    helper = next((one.path for one in subject.files if one.values.get("apiKeyHelper")), "")
    if helper:
        found.append((HELPER, helper))
    if LOGIN_TOKEN in variables:
        found.append((LOGIN_TOKEN, variables[LOGIN_TOKEN].where))
    if subject.saved_login:
        found.append((LOGIN, "Claude Code's own file"))
    return found


def _named(name: str) -> str:
    return "a saved claude.ai login" if name == LOGIN else "an apiKeyHelper" if name == HELPER else name


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    found = sources(subject)
    names = [name for name, _ in found]
    facts: dict[str, object] = {
        "used": names[0] if found else "",
        "where": found[0][1] if found else "",
        "hidden": dict(found[1:]),
        "saved_login": subject.saved_login,
    }
    if subject.cloud:
        text = f"calls go to {subject.cloud}, whose own credentials count"
        return Finding(State.OK, text, facts | {"used": subject.cloud})
    if not found:
        return Finding(
            State.SKIP, "no key or token is set here (a login in a keychain is not looked at)", facts
        )
    signs = []
    if TOKEN in names and KEY in names:
        text = f"{TOKEN} and {KEY} are set; Claude Code uses {TOKEN}, the SDKs prefer the key"
        signs.append(Sign("account.conflict", text, Weight.WEAK))
    for name, where in found[1:]:
        if name in (LOGIN, HELPER, LOGIN_TOKEN):
            place = "" if name == LOGIN else f" ({where})"
            text = f"{_named(name)} exists{place}; {names[0]} wins over it"
            signs.append(Sign("account.*", text, Weight.WEAK, Direction.NEUTRAL))
    warned = any(one.direction is Direction.FOR for one in signs)
    return Finding(State.WARN if warned else State.OK, f"{_named(names[0])} is used", facts, tuple(signs))


CHECK = Check("cred.source", "choice of credential", run)
