"""Can Claude Code read its settings files? One that does not parse is not used, and nobody says so."""

from seawall.causes.cause import Party
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight

CAUSE = f"{Party.MACHINE}.settings"


async def run(probe: Probe) -> Finding:
    files = probe.subject.files
    broken = [one for one in files if one.trouble]
    facts = {"files": [one.path for one in files], "broken": [one.path for one in broken]}
    if not broken:
        return Finding(State.OK, f"{len(files)} settings files, all readable" if files else "none", facts)
    signs = tuple(
        Sign(
            CAUSE,
            f"{one.path}: {one.trouble}",
            Weight.DECISIVE,
            title=f"{one.path} cannot be used: {one.trouble}",
        )
        for one in broken
    )
    return Finding(State.FAIL, "; ".join(one.text for one in signs), facts, signs)


CHECK = Check("local.settings", "settings", run)
