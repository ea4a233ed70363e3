"""What a broken network is described with: a healthy world, the fields that a case changes, and what must come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.fake.scenario import Rule

KEY = "sk-ant-api03-" + "L" * 93 + "AA"
"""A key in the right form that opens nothing."""

API, CONTROL, STATUS, PROBE = "api.anthropic.com", "example.com", "status.claude.com", "www.gstatic.com"
COMPANY = "llm.corp.example"
"""A company's own gateway, for cases that send calls there."""
PROXY = "proxy.corp.example"
ADDRESSES: Mapping[str, tuple[str, ...]] = {
    # The API's documented range. Nothing here leads out of the laboratory: the addresses are its own.
    API: ("160.79.104.10", "2607:6bc0::10"),
    CONTROL: ("93.184.215.14", "2606:2800:21f::14"),
    STATUS: ("3.165.1.30", "2600:9000::30"),
    PROBE: ("142.250.1.94", "2a00:1450::94"),
    COMPANY: ("10.7.0.4",),
    PROXY: ("10.7.0.3",),
}
ROUTER, RESOLVER, PORTAL, CLIENT = "10.7.0.1", "10.7.0.53", "10.7.0.80", "10.7.0.2"
API4, API6 = ADDRESSES[API]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is made through a real gateway before the doctor looks."""

    model: str = "claude-sonnet-5"
    stream: bool = True
    words: int = 24
    held: bool = False
    """It is not answered: the gateway holds it, and the doctor looks meanwhile."""


@dataclass(frozen=True, slots=True)
class World:
    """A network, the hosts beyond it and the client's own settings. As it stands all is well."""

    route: str = "both"
    """`both`, `IPv4`, `none` (a link without a way out) or `down` (no link)."""
    names: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    """Answers of the name server that differ: addresses, or a word of `lab_names`; `*` for every name."""
    late: float = 0.0
    """Seconds that the name server takes."""
    resolver: str = "own"
    """`own`; `dnsmasq` with `dnsmasq_lines`; `none`: nobody listens there."""
    dnsmasq_lines: tuple[str, ...] = ()
    firewall: tuple[str, ...] = ()
    """nftables rules of the router, for what comes from the client."""
    back: tuple[str, ...] = ()
    """The same for what goes to the client."""
    shape: str = ""
    """A queueing discipline of `tc` on both ends of the client's link."""
    api: str = "fake"
    """Who stands at the API's address: `fake` (the fault-injecting API) or a word of `lab_internet.SAYS`."""
    rules: tuple[Rule, ...] = ()
    """What the fault-injecting API does wrong."""
    certificate: str = "right"
    """The API's: `right`, `expired`, `another name`, `own root`, `none` (no TLS on that port)."""
    off: float = 0.0
    """Days by which this machine's clock is behind the world's."""
    page: str = "green"
    """`green`, `red`, `html` (no status page), `gone`."""
    probe: str = "204"
    """`204`, `portal`."""
    portal: str = ""
    """A sign-in network: `redirects` (HTTPS refused) or `answers` (HTTPS with its own certificate)."""
    inspector: str = ""
    """A program that signs all connections anew: `trusted` or `unknown` root; `page`: trusted, with a page in
    the way of the API; `nginx-buffers`, `nginx-cuts`: trusted, by nginx, for the API alone."""
    proxy: str = ""
    """At the proxy's address: `open`, `refuses`, `silent`, `unknown` (inspects, root unknown), `tinyproxy`."""
    tinyproxy_lines: tuple[str, ...] = ()
    company: str = ""
    """The company's gateway: `502` (nginx before a dead upstream) or a word of `lab_internet.SAYS`."""
    env: Mapping[str, str] = field(default_factory=lambda: {"ANTHROPIC_API_KEY": KEY})
    settings: str = ""
    """The user's settings file of Claude Code."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of the user's home; `{company root}` in one is the inspector's root in PEM."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Shell scripts on the user's path."""
    hosts: str = ""
    """Lines of the hosts file."""
    full: str = ""
    """A folder of the user's home that has no space left."""
    calls: tuple[Call, ...] = ()
    hung: bool = False
    """The gateway stops working after the calls, and stays."""
    arguments: tuple[str, ...] = ()
    """More arguments for the doctor."""
    needs: tuple[str, ...] = ()
    """Programs of the system without which the case is skipped."""


@dataclass(frozen=True, slots=True)
class Case:
    """A broken network. `right`: the causes that may be named first, None for all clear."""

    name: str
    world: World
    right: tuple[str | None, ...]
    also: tuple[str, ...] = ()
    """One of these must be named beside the first."""
    never: tuple[str, ...] = ()
    """Parties that must not be named first. Left out: all but those of `right`; not known is no party."""
    notes: str = ""
    """Words that must stand in some evidence."""

    @property
    def parties(self) -> set[str]:
        """Those that may be named."""
        return {one.partition(".")[0] for one in self.right if one}

    @property
    def wrong(self) -> tuple[str, ...]:
        everybody = ("provider", "limit", "account", "request", "network", "machine", "gateway", "seawall")
        return self.never or tuple(one for one in everybody if one not in self.parties)


NEEDS = ("ip", "nft", "nsenter", "unshare")
"""What the laboratory itself is made with."""


def judged(case: Case, verdict: Mapping[str, object]) -> str:
    """`right`, `wrong party`, `not known` or `another cause` of the right party."""
    cause, party = verdict.get("cause"), verdict.get("party")
    also = verdict.get("also") or []
    evidence = verdict.get("evidence") or []
    assert isinstance(also, list)
    assert isinstance(evidence, list)
    texts = " ".join([str(verdict.get("title")), *(str(one["text"]) for one in evidence)])
    if cause in case.right:
        beside = not case.also or bool(set(case.also) & set(also))
        return "right" if beside and case.notes.lower() in texts.lower() else "incomplete"
    if party in case.wrong:
        return "wrong party"
    return "not known" if party in ("unknown", "unrelated") else "another cause"
