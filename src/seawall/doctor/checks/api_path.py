"""Where does the time of a call go: name, connection, TLS, first byte? Adds up what others measured; asks nobody.

Facts: `name`, `connect`, `tls`, `first_byte` (seconds), `slowest`. A neutral sign for `network.*` where one hop alone
takes more than a second.
"""

from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight

SLOW = 1.0
"""Seconds of one hop: a call from the other side of the earth takes a quarter of that."""
WORDS = {"name": "the name", "connect": "the connection", "tls": "TLS", "first_byte": "the first byte"}


def hops(probe: Probe) -> dict[str, float]:
    """Seconds of each hop that was measured."""

    def seconds(check: str, name: str) -> float | None:
        value = probe.fact(check, name)
        return float(value) if isinstance(value, (int, float)) else None

    connects = [seconds("net.tcp4", "seconds"), seconds("net.tcp6", "seconds")]
    connect = min((one for one in connects if one is not None), default=None)
    whole = seconds("tls.chain", "seconds")
    found = {
        "name": seconds("net.dns", "seconds"),
        "connect": connect,
        # What was measured there is the whole way up to the end of the handshake, with the name in the system's memory.
        "tls": None if whole is None else max(0.0, whole - (connect or 0.0)),
        "first_byte": seconds("api.edge", "first_byte"),
    }
    return {name: value for name, value in found.items() if value is not None}


async def run(probe: Probe) -> Finding:
    found = hops(probe)
    if "first_byte" not in found:
        return Finding(State.SKIP, "no answer came, so there is no whole way", dict(found))
    slowest = max(found, key=lambda name: found[name])
    facts: dict[str, object] = {name: round(value, 4) for name, value in found.items()}
    facts["slowest"] = slowest
    text = ", ".join(f"{WORDS[name]} {1000 * value:.0f} ms" for name, value in found.items())
    if found[slowest] <= SLOW:
        return Finding(State.OK, text, facts)
    said = f"{WORDS[slowest]} alone takes {found[slowest]:.1f} s"
    return Finding(State.WARN, text, facts, (Sign("network.*", said, Weight.WEAK, Direction.NEUTRAL),))


CHECK = Check(
    "api.path", "way to the API", run, after=("net.dns", "net.tcp4", "net.tcp6", "tls.chain", "api.edge")
)
