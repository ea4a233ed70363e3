"""Does the API accept the key? Lists one model, which costs nothing. Only a key in Claude's own form is ever sent."""

from seawall import __version__
from seawall.doctor.check import Check, Finding, Probe, State
from seawall.doctor.checks.api_edge import facts_of, judged
from seawall.doctor.checks.cred_shape import damage, kind
from seawall.doctor.reach import ask
from seawall.origin import anthropics


def why_not(probe: Probe) -> str:
    """Why no key is sent; empty if it may be."""
    subject = probe.subject
    key = subject.variables.get("ANTHROPIC_API_KEY")
    if subject.given_url:
        return "no key is sent to an address of the command line"
    if subject.inferred and not anthropics(subject.api.host):
        return "nothing says that the key is for the address that the gateway sends calls to"
    if "ANTHROPIC_AUTH_TOKEN" in subject.variables:
        return "a token is used, not a key"
    if key is None:
        return "no key is set (a saved login is not opened)"
    told = subject.variables.get("ANTHROPIC_BASE_URL")
    if told and told.scope in ("project", "local"):
        # That file comes with somebody else's repository.
        return "the address comes from a project's file"
    # Only what is a Claude key beyond doubt: everything else stays here.
    if kind(key.text)[0] != "sk-ant-" or not key.text.startswith("sk-ant-api") or damage(key.text):
        return "the key has not the form of a Claude key"
    return ""


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    if reason := why_not(probe):
        return Finding(State.SKIP, reason)
    headers = {
        "x-api-key": subject.variables["ANTHROPIC_API_KEY"].text,
        "anthropic-version": "2023-06-01",
        "accept-encoding": "identity",
        "user-agent": f"seawall-doctor/{__version__}",
    }
    answer = await ask(
        subject.api, subject.config.network, "GET", f"{subject.base_path}/v1/models?limit=1", headers
    )
    facts = facts_of(answer)
    if answer.status == 200 and answer.who in ("api", "seawall"):
        return Finding(State.OK, "accepted", facts)
    signs = judged(answer, subject.api.host, "a list of models with the key")
    return Finding(State.FAIL, signs[0].text, facts, signs)


CHECK = Check("cred.live", "key accepted", run, needs=("api.edge", "cred.shape"), to=("api",))
