"""Who answers at the API's address, and how fast? A call without a credential: 401 with a request id is good."""

from typing import Any

from seawall import __version__
from seawall.doctor.certificate import named_in
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.doctor.reach import Answer, ask
from seawall.origin import is_loopback

WHO = {
    "api": "the API itself",
    "edge": "the edge in front of the API",
    "seawall": "another Seawall",
    "between": "something on the way",
    "nobody": "nobody",
}


def judged(answer: Answer, host: str, what: str) -> tuple[Sign, ...]:
    """What an answer that is not the expected one speaks for."""
    code, who = answer.cause, WHO[answer.who]
    if answer.status is None:
        return (Sign(code, f"{what}: {answer.text.rstrip('.')}"),)
    if answer.who == "between" and "html" in answer.headers.get("content-type", "") and answer.status < 400:
        text = f"{what}: a web page with status {answer.status}, not the API; a sign-in page looks like this"
        return (Sign("network.captive_portal", text), Sign("gateway.unexpected_response", text, Weight.WEAK))
    request = answer.headers.get("request-id", "")
    said = f"{what}: {answer.status} from {who}" + (f" ({request[:40]})" if answer.who == "api" else "")
    if answer.who == "between" and code == "network.edge_blocked":
        # The edge would have said who it is: this is a filter nearer to here.
        if not host.endswith("anthropic.com") and not is_loopback(host):
            return (
                Sign("gateway.unexpected_response", f"{what}: {answer.status} with a web page from {host}"),
            )
        brand = named_in(answer.body[:65536].decode("utf-8", "replace"))
        text = f"{what}: {answer.status} with a page of something on the way, not of the API"
        if brand:
            return (Sign("network.blocked", f"{text}; the page names {brand}", Weight.DECISIVE),)
        return (Sign("network.blocked", text),)
    if answer.who == "between":
        return (Sign(code if code != "unknown.unknown" else "gateway.unexpected_response", said),)
    weight = Weight.DECISIVE if answer.who == "api" else Weight.STRONG
    return (Sign(code, said, weight),)


def facts_of(answer: Answer) -> dict[str, Any]:
    """What is kept of an answer."""
    facts: dict[str, Any] = {"who": answer.who, "status": answer.status}
    if answer.status is None:
        facts["fault"] = answer.fault.value if answer.fault else None
    else:
        facts |= {"request_id": answer.headers.get("request-id", "")[:64], "cause": answer.cause}
    if answer.first_byte is not None and answer.connected is not None:
        facts["first_byte"] = round(answer.first_byte - answer.connected, 4)
    if date := answer.headers.get("date"):
        facts["date"] = date[:40]
    if via := answer.headers.get("via") or answer.headers.get("server"):
        facts["via"] = "".join(c for c in via[:60] if c.isprintable())
    return facts


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "accept-encoding": "identity",
        "user-agent": f"seawall-doctor/{__version__}",
    }
    answer = await ask(
        subject.api, subject.config.network, "POST", f"{subject.base_path}/v1/messages", headers, b"{}"
    )
    facts = facts_of(answer)
    took = 1000 * (answer.first_byte or 0.0)
    if answer.who in ("api", "seawall") and answer.status in (400, 401):
        return Finding(State.OK, f"{answer.status} in {took:.0f} ms", facts)
    signs = judged(answer, subject.api.host, "a call without a key")
    return Finding(State.FAIL, signs[0].text, facts, signs)


CHECK = Check(
    "api.edge",
    "API",
    run,
    needs=("net.dns", "net.proxy", "tls.chain"),
    any_of=("net.tcp4", "net.tcp6"),
    to=("api",),
)
