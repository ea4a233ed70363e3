"""What an upstream is called, and whose side trouble is on, the same wherever it is said."""

from seawall.causes.cause import Party
from seawall.origin import Origin, anthropics, authority

ANTHROPICS = "Anthropic's side"
SHOWN_AS = {
    Party.PROVIDER: ANTHROPICS,
    Party.LIMIT: "Your plan or limits",
    Party.ACCOUNT: "Your account or key",
    Party.REQUEST: "Your request",
    Party.NETWORK: "Your network",
    Party.MACHINE: "This machine",
    Party.GATEWAY: "A gateway on the way",
    Party.SEAWALL: "Seawall itself",
    Party.UNRELATED: "Not a Claude call",
    Party.UNKNOWN: "Not known yet",
}
_USUAL = {"http": 80, "https": 443}


def name_of(origin: Origin) -> str:
    """The host, with its port where that is not the usual one: `127.0.0.1:8790`, `api.anthropic.com`."""
    full = authority(origin.host, origin.port)
    return full if origin.port != _USUAL[origin.scheme] else full.removesuffix(f":{origin.port}")


def side_of(name: str, by_api: bool = False) -> str:
    """Whose side it is where the party is the service: Anthropic's where it answers itself, else that host's.

    `by_api`: by its request ids the API itself answered, whatever lies between: a relay, an address of this machine.
    """
    if by_api:
        return ANTHROPICS
    if not name:
        return "The upstream's side"
    host = name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() else name
    return ANTHROPICS if anthropics(host) else f"{name}'s side"


def called(party: str, name: str, by_api: bool) -> str:
    """A party as people read it; the service by whoever answers there. One that only a newer Seawall knows is none."""
    known = Party(party) if party in set(Party) else Party.UNKNOWN
    return side_of(name, by_api) if known is Party.PROVIDER else SHOWN_AS[known]
