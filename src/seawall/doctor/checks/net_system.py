"""Is the desktop or the system set to a proxy that programs of the terminal do not take?

Facts: `settings` (source and place of each), `all_proxy` (whether only ALL_PROXY is set, which Claude Code does not
read). A strong sign for `network.blocked` where the client is told no proxy and the API cannot be connected to;
nothing but a note where it can.
"""

from seawall.doctor import desktop
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight, in_thread

_READ = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
_NOT_READ = ("all_proxy", "ALL_PROXY")


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    told = any(name in subject.variables for name in _READ) or bool(subject.config.network.https_proxy)
    found: list[desktop.Setting] = await in_thread(
        lambda: desktop.look(subject.home, subject.lines, subject.search_path)
    )
    unread = [name for name in _NOT_READ if name in subject.variables]
    facts = {
        "settings": [{"source": one.source, "place": one.place, "automatic": one.automatic} for one in found],
        "all_proxy": bool(unread) and not told,
    }
    if told or not (found or unread):
        return Finding(State.OK, "no other proxy is set" if not found else found[0].place, facts)
    texts = [f"{one.source} name a proxy ({one.place}), which Claude Code does not read" for one in found[:2]]
    texts += [f"{name} is set, which Claude Code does not read; it reads HTTPS_PROXY" for name in unread[:1]]
    reached = any(
        probe.found[name].state is State.OK for name in ("net.tcp4", "net.tcp6") if name in probe.found
    )
    failed = any(
        probe.found[name].state is State.FAIL
        for name in ("net.tcp4", "net.tcp6", "net.dns")
        if name in probe.found
    )
    if failed and not reached:
        return Finding(State.WARN, texts[0], facts, tuple(Sign("network.blocked", one) for one in texts))
    notes = tuple(Sign("network.*", one, Weight.WEAK, Direction.NEUTRAL) for one in texts)
    return Finding(State.OK, texts[0], facts, notes)


CHECK = Check("net.system", "system's proxy", run, after=("net.dns", "net.tcp4", "net.tcp6"))
