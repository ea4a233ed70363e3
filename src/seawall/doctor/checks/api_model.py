"""Does the model answer? One token from it, which costs next to nothing and is spent only with `--spend`.

Facts: `model`, `who`, `status`, `cause`. Signs: the answer's own cause, decisive where the API itself gave it; and
`provider.model_capacity` (strong) where this model is refused with 529 and another answers, by what was seen.
"""

from seawall.doctor.check import Check, Finding, Probe, Sign, State
from seawall.doctor.checks.api_edge import facts_of, judged
from seawall.doctor.spending import SECONDS, call, model, refused


async def run(probe: Probe) -> Finding:
    if why := refused(probe):
        return Finding(State.SKIP, why)
    name = model(probe)
    answer = await call(probe, "Hi", 1, stream=False)
    facts = facts_of(answer) | {"model": name}
    if answer.status == 200 and answer.body.lstrip().startswith(b"{") and b'"usage"' in answer.body:
        took = 1000 * (answer.first_byte or 0.0)
        return Finding(State.OK, f"{name} answers, in {took:.0f} ms", facts)
    signs = judged(answer, probe.subject.api.host, f"one token from {name}")
    others = [one for one in probe.fact("seen.recent", "answering") or () if one not in name]
    if answer.status == 529 and others:
        text = f"{name} is refused, while {', '.join(others)} {'answers' if len(others) == 1 else 'answer'}"
        signs = (*signs, Sign("provider.model_capacity", text))
    return Finding(State.FAIL, signs[0].text, facts, signs)


CHECK = Check(
    "api.model", "model", run, needs=("api.edge", "cred.live"), after=("seen.recent",), to=("api",),
    limit=SECONDS + 0.2, cost="tokens",
)  # fmt: skip
