"""What to do and what not, for a cause as it was measured: steps of the catalogue, or exact ones. Pure."""

from seawall.causes.cause import Party
from seawall.doctor.case import Case
from seawall.doctor.exact import EXACT
from seawall.doctor.steps import MOST, Advice, Do, Dont, calls, usual


def advice(case: Case) -> Advice:
    """The advice for the case; none where all is well or nothing is known."""
    cause = case.cause
    if cause is None or case.verdict.decides:
        return Advice()
    made = EXACT.get(cause.code)
    found = made(case) if made else usual(case)
    do = tuple(_allowed(one, case) for one in found.do)
    return Advice(
        tuple(one for one in do if one is not None),
        tuple(Dont(one.text, one.reason) for one in cause.dont[:MOST]) if found.dont is None else found.dont,
        found.action or _action(case),
        tuple(one for one in (_then(case) if found.then is None else found.then) if _there(one, case)),
    )


def _there(command: str, case: Case) -> bool:
    """Whether the verb of one of our own commands is there."""
    words = command.split()
    return words[0] != "seawall" or len(words) < 2 or words[1] in case.verbs


def _allowed(step: Do, case: Case) -> Do | None:
    return step if step.command is None or _there(step.command, case) else None


def _action(case: Case) -> str:
    """What Seawall does about it just now."""
    if case.held:
        return f"Seawall is holding {calls(case.held)} for you. Nothing is lost; leave the window open."
    return ""


def _then(case: Case) -> tuple[str, ...]:
    """Two commands that come next."""
    assert case.cause is not None
    explain = f"seawall explain {case.earlier.current.id if case.earlier.current else case.cause.code}"
    if case.party is Party.PROVIDER:
        return ("seawall watch", explain)
    if case.party in (Party.REQUEST, Party.LIMIT):
        return (explain,)
    return ("seawall doctor --again", explain)
