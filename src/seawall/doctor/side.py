"""What an upstream is called, the same wherever it is named."""

from seawall.origin import Origin, anthropics, authority

ANTHROPICS = "Anthropic's side"
_USUAL = {"http": 80, "https": 443}


def name_of(origin: Origin) -> str:
    """The host, with its port where that is not the usual one: `127.0.0.1:8790`, `api.anthropic.com`."""
    full = authority(origin.host, origin.port)
    return full if origin.port != _USUAL[origin.scheme] else full.removesuffix(f":{origin.port}")


def side_of(name: str) -> str:
    """Whose side it is where the party is the service: Anthropic's where it answers itself, else that host's."""
    if not name:
        return "The upstream's side"
    host = name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() else name
    return ANTHROPICS if anthropics(host) else f"{name}'s side"
