"""A text that somebody pasted, as a piece of evidence beside what is measured. Pure."""

from seawall.causes.cause import lookup
from seawall.causes.match import UNKNOWN
from seawall.causes.verdict import Confidence, Verdict
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight


async def _never(probe: Probe) -> Finding:
    raise RuntimeError("a text is read, not run")


CHECK = Check("said.text", "your text", _never)
_WEIGHTS = {
    Confidence.CERTAIN: Weight.STRONG,
    Confidence.LIKELY: Weight.STRONG,
    Confidence.POSSIBLE: Weight.WEAK,
}


def finding(read: Verdict) -> Finding:
    """What the text speaks for: one strong fact at most, because nobody knows how old it is or who wrote it."""
    weight = _WEIGHTS.get(read.confidence)
    code = lookup(read.cause).code
    if weight is None or code == UNKNOWN or code.startswith("unrelated."):
        return Finding(State.SKIP, "the text names no cause")
    title = lookup(code).title
    status = read.facts.whole.status
    known = f" ({status})" if status else ""
    text = f"your text says so: {title[:1].lower()}{title[1:]}{known}"
    if read.evidence:
        text += f"; {read.evidence}"
    return Finding(State.WARN, text, {}, (Sign(code, text, weight, check=CHECK.id),))


def says(read: Verdict, case: Case) -> str:
    """What text and measurement say together, in a sentence."""
    code, measured = lookup(read.cause).code, case.verdict
    if code == UNKNOWN:
        return "the text fits no cause; the answer is from the measurement"
    if code.startswith("unrelated."):
        return "the text is about no Claude call; the answer is from the measurement"
    others = [one for one in measured.evidence if one.cause == code and one.check != CHECK.id]
    if measured.cause == code:
        return (
            "from your text, and measured" if others else "from your text; nothing measured speaks against it"
        )
    if measured.cause is None or measured.decides:
        return "from your text; what is measured now shows no trace of it"
    return f"from your text; what must be fixed first is {measured.cause}"
