"""Which address, roots and switches the client gets, from which file or variable, and whether they can be right.

Facts: `set` (variables and where), `hidden` (who else sets them), `places` (lines of profiles and `.env` files that set
them), `cloud`, `base_url` (what is wrong with it), `better` (what it should be). Signs: `machine.wrong_base_url`
(decisive; strong where a proxy would take calls to a local address), `machine.ca_file` and `machine.tls_checking_off`
(weak); notes on what is hidden, and on lines that the shell has not read.
"""

import time

from seawall.claude_code.profiles import by_name
from seawall.doctor.certificate import bad_roots
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight, in_thread
from seawall.doctor.subject import Subject
from seawall.http.proxy import excepted
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


_WATCHED = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def _unread(subject: Subject) -> list[Sign]:
    """Lines that set what decides where calls go and as whom, and that say otherwise than what the client gets."""
    signs = []
    for line in subject.lines:
        got = subject.variables.get(line.name)
        if line.name not in _WATCHED or not line.value or (got and got.text == line.value):
            continue
        if line.loader:
            text = f"{line.place} sets {line.name} for programs that load that file"
        elif got is None and "$" not in line.value:
            text = f"{line.place} sets {line.name}, and this shell has not got it: open a new one"
        else:
            continue
        signs.append(Sign("*", text, Weight.WEAK, Direction.NEUTRAL))
    return signs[:4]


def _through_proxy(subject: Subject) -> Sign | None:
    """Where calls to a local address would be sent to a proxy, which knows no such address."""
    try:
        origin, _ = Origin.parse(subject.base_url)
    except ValueError:
        return None
    network = subject.config.network
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
    name = next((one for one in names if one in subject.variables), "")
    if not name or not is_loopback(origin.host) or excepted(origin, network.no_proxy):
        return None
    text = (
        f"{name} is set ({subject.variables[name].where}) and NO_PROXY does not name {origin.host}: "
        "clients may send calls for the local address to the proxy"
    )
    title = f"calls to {origin.authority} may go to the proxy instead"
    return Sign("machine.wrong_base_url", text, title=title)


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    told = subject.variables.get("ANTHROPIC_BASE_URL")
    facts: dict[str, object] = {
        "set": {name: value.where for name, value in subject.variables.items()},
        "hidden": {name: list(where) for name, where in subject.hidden.items()},
        "places": {name: list(places) for name, places in by_name(subject.lines).items()},
        "cloud": subject.cloud,
    }
    bad: list[str] = await in_thread(lambda: bad_roots(subject, time.time()))
    signs = [*(Sign("machine.ca_file", one, Weight.WEAK) for one in bad), *_switches(subject)]
    if not subject.given_url and (lost := _through_proxy(subject)):
        signs.insert(0, lost)
    if told and not subject.given_url:
        wrong, better = trouble(told.text)
        if wrong:
            shown = f"the base address in ANTHROPIC_BASE_URL ({told.where}) cannot be right: {wrong}"
            facts |= {"base_url": wrong, "better": better}
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
    signs += _unread(subject)
    warned = any(one.direction is Direction.FOR for one in signs)
    count = len(subject.variables)
    summary = next((one.text for one in signs), f"{count} variables of the client are set")
    return Finding(State.WARN if warned else State.OK, summary, facts, tuple(signs))


CHECK = Check("local.env", "environment", run)
