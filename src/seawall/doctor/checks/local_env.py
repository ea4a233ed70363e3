"""Which address, roots and switches the client gets, from which file or variable, and whether they can be right."""

from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.subject import Subject
from seawall.origin import Origin, is_loopback


def trouble(url: str) -> tuple[str, str]:
    """What is wrong with a base address and what it should be, if that is known; never repeats what it holds."""
    text = url.strip()
    if not text:
        return "it is set and empty", ""
    try:
        origin, path = Origin.parse(text)
    except ValueError as error:
        said = str(error).rstrip(".")
        return said[:1].lower() + said[1:], ""
    if path.endswith(("/v1", "/v1/messages")):
        place = f"{origin.scheme}://{origin.host}"
        kept = path.removesuffix("/messages").removesuffix("/v1")
        port = "" if origin.port in (80, 443) else f":{origin.port}"
        return "it ends in /v1, which the client adds itself", f"{place}{port}{kept}"
    if origin.scheme == "http" and not is_loopback(origin.host):
        return "it begins with http://, so keys would travel in clear", text.replace("http", "https", 1)
    return "", ""


def _switches(subject: Subject) -> list[Sign]:
    signs = []
    off = subject.variables.get("NODE_TLS_REJECT_UNAUTHORIZED")
    if off and off.text.strip() == "0":
        signs.append(
            Sign(
                "machine.tls_checking_off",
                f"NODE_TLS_REJECT_UNAUTHORIZED=0 ({off.where}): certificates are not checked",
                Weight.WEAK,
            )
        )
    if subject.cloud:
        text = f"Claude Code is switched to {subject.cloud}; Anthropic's own API is what is measured here"
        signs.append(Sign("*", text, Weight.WEAK, Direction.NEUTRAL))
    return signs


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    told = subject.variables.get("ANTHROPIC_BASE_URL")
    facts: dict[str, object] = {
        "set": {name: value.where for name, value in subject.variables.items()},
        "hidden": {name: list(where) for name, where in subject.hidden.items()},
        "cloud": subject.cloud,
    }
    signs = _switches(subject)
    if told and not subject.given_url:
        wrong, better = trouble(told.text)
        if wrong:
            shown = f"the base address in ANTHROPIC_BASE_URL ({told.where}) cannot be right: {wrong}"
            facts["base_url"] = wrong
            signs.append(
                Sign(
                    "machine.wrong_base_url",
                    shown + (f"; it should be {better}" if better else ""),
                    Weight.DECISIVE,
                    title=shown,
                )
            )
            return Finding(State.FAIL, shown, facts, tuple(signs))
    for name, where in subject.hidden.items():
        if name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"):
            text = f"{name} of {subject.variables[name].where} wins over {', '.join(where)}"
            signs.append(Sign("*", text, Weight.WEAK, Direction.NEUTRAL))
    warned = any(one.direction is Direction.FOR for one in signs)
    count = len(subject.variables)
    summary = next((one.text for one in signs), f"{count} variables of the client are set")
    return Finding(State.WARN if warned else State.OK, summary, facts, tuple(signs))


CHECK = Check("local.env", "environment", run)
