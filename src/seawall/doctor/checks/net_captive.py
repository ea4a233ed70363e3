"""Does an address that answers 204 and nothing else do so, or does somebody answer in its place?

Facts: `portal` (true: another answered), `status`, `place` (the host that the answer leads to). A weak sign for
`network.captive_portal` by itself: some networks look into plain HTTP only. Together with an API that is not reached
it is decisive, which is the verdict's to say.
"""

from urllib.parse import urlsplit

from seawall import __version__
from seawall.config import Network
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.doctor.checks.net_dns import no_names
from seawall.doctor.reach import Answer, ask
from seawall.http.dial import DialError
from seawall.http.proxy import choose
from seawall.origin import Origin


def place_of(answer: Answer) -> str:
    """The host to which it sends whoever asks, fit to be shown."""
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname or ""
    except ValueError:
        return ""
    return "".join(char for char in host[:100] if char.isalnum() or char in "-.:")


async def run(probe: Probe) -> Finding:
    if (dead := no_names(probe)) is not None:
        return dead
    subject = probe.subject
    try:
        if choose(subject.api, subject.config.network):
            return Finding(State.SKIP, "calls go through a proxy")
    except DialError:
        pass
    origin, path = Origin.parse(subject.captive)
    headers = {"user-agent": f"seawall-doctor/{__version__}", "accept": "*/*"}
    answer = await ask(origin, Network(), "GET", path or "/", headers, seconds=2.6)
    facts: dict[str, object] = {"host": origin.host, "status": answer.status, "portal": False}
    if answer.status is None:
        # Said by other checks, if it matters: this one knows no more than that nobody answered.
        return Finding(State.SKIP, f"{origin.host} gave no answer", facts)
    if date := answer.headers.get("date"):
        facts["date"] = date[:40]
    if answer.status == 204 or (answer.status == 200 and not answer.body.strip()):
        return Finding(State.OK, "none", facts)
    facts |= {"portal": True, "place": place_of(answer)}
    led = f" and leads to {facts['place']}" if facts["place"] else ""
    text = f"another answers in the place of {origin.host}, with {answer.status} where 204 should come{led}"
    return Finding(State.WARN, text, facts, (Sign("network.captive_portal", text, Weight.WEAK),))


CHECK = Check("net.captive", "sign-in page", run, needs=("net.link",), after=("net.dns",), to=("captive",))
