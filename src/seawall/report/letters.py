"""Texts for people: to a provider's support, request ids first; to whoever runs the network, with what to test."""

from seawall.causes.cause import Cause, Party, load, lookup
from seawall.doctor.check import Result
from seawall.origin import anthropics
from seawall.report.case import Case
from seawall.report.words import between, counted, happened, ruled_out, utc

SUPPORT = "https://support.claude.com"
_IDS = 60
# What Claude Code talks to (its documentation on network access, August 2026).
_HOSTS = (
    ("api.anthropic.com", "the API itself"),
    ("claude.ai", "sign-in with a Claude plan"),
    ("claude.com", "sign-in"),
    ("platform.claude.com", "sign-in with the Console, and tokens"),
    ("downloads.claude.ai", "updates of Claude Code"),
    ("status.claude.com", "the status page"),
)
_CHANGE = {
    "network.tls_untrusted_ca": (
        "Either leave api.anthropic.com out of the inspection of TLS, or give us the root certificate in PEM;\n"
        "  we then name it to the client (NODE_EXTRA_CA_CERTS).",
    ),
    "network.proxy_buffering": (
        "Switch off the buffering of answers for api.anthropic.com, at least for content type text/event-stream:\n"
        "  answers are streams that take minutes, and must arrive piece by piece.",
    ),
    "network.proxy_idle_cut": (
        "Raise the limit for idle connections to api.anthropic.com to at least 600 s.",
    ),
    "network.stream_idle_timeout": (
        "Raise the limit for idle connections to api.anthropic.com to at least 600 s.",
    ),
    "network.proxy_auth": ("Tell us which credentials the proxy wants, or let these hosts pass without.",),
    "network.ipv6_broken": (
        "Repair the route by IPv6 to api.anthropic.com, or stop announcing one: by IPv4 it is reached.",
    ),
    "network.dns_failure": ("Let the resolver answer for these names; it does so elsewhere.",),
    "network.dns_temporary": ("Let the resolver answer for these names; it does so elsewhere.",),
}  # fmt: skip
_ALLOW = "Allow these hosts, port 443, without inspection and without a limit on idle streams below 600 s."


def support(case: Case) -> str:
    """A mail for support."""
    machine, ids = case.machine, case.request_ids
    more = len(case.kinds) - 1
    others = f" and {more} other cause{'' if more == 1 else 's'}" if more > 0 else ""
    subject = f"{case.cause.title} ({case.cause.code}){others} since {utc(_begin(case))}"
    lines = [f"To: {_support_of(case)}", f"Subject: {subject}", "", "Request ids:"]
    lines += [f"  {one}" for one in ids[:_IDS]] or ["  none: no answer carried one"]
    if len(ids) > _IDS:
        lines.append(f"  and {len(ids) - _IDS} more in timeline.csv")
    lines += ["", happened(case), "", "What was ruled out:"]
    lines += [f"  {one}" for one in ruled_out(case)] or ["  nothing was measured"]
    client = f"Claude Code {machine.claude_code}" if machine.claude_code else "see the timeline"
    lines += [
        "", f"Client: {client}; {machine.system}",
        f"Platform: {case.cloud or machine.platform_choice}; host: {case.host}",
        f"Proxy: {'; '.join(machine.proxy) or 'none set'}",
        "", "All times are UTC. Names of people, machines and keys are masked.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def network(case: Case, contact: str = "") -> str:
    """A text for whoever runs the network: what fails, hosts and ports, who signs, what to change, how to test.

    Where a fault of the network is measured now, it is about that, whatever the incident on record is.
    """
    about = trouble(case) or case.cause
    lines = [f"To: {contact or 'the network team'}", f"Subject: {case.host}: {about.title}", "", "What fails"]
    of_many = [one for one in case.kinds if one.cause.code == about.code] if len(case.kinds) > 1 else []
    if of_many:
        [one] = of_many
        lines.append(f"  {about.title} ({about.code}): {counted(one.rows, one.calls)}, {between(one.rows)}.")
    elif about.code == case.cause.code:
        lines += [f"  {line}" for line in happened(case).splitlines()]
    elif about.code == case.verdict.cause:
        lines.append(f"  {case.verdict.title or about.title} ({about.code}, {case.verdict.confidence}).")
    else:
        lines.append(f"  {about.title} ({about.code}); also seen: {case.cause.title} ({case.cause.code}).")
    lines += [
        f"  {one.text}" for one in case.verdict.evidence if one.direction == "for" and about.code == one.cause
    ]
    lines += ["", "What was measured", *(f"  {one}" for one in _measured(case))]
    lines += ["", "What is needed, by HTTPS (port 443) from this machine"]
    hosts = dict(_HOSTS) if case.host in dict(_HOSTS) else {case.host: "the API", **dict(_HOSTS[1:])}
    lines += [f"  {host:<24}{what}" for host, what in hosts.items()]
    lines += ["", "What to change", *(f"  {one}" for one in _CHANGE.get(about.code, (_ALLOW,)))]
    lines += ["", "How to test", *(f"  {one}" for one in _tests(case.host))]
    lines += [
        "",
        f"Measured at {utc(case.made_at)} by seawall {case.machine.seawall} on {case.machine.system}.",
    ]
    return "\n".join(lines) + "\n"


def trouble(case: Case) -> Cause | None:
    """What is wrong with the network: what is measured now, else what is on record; None where it is neither."""
    recorded = [one.cause.code for one in case.kinds]
    for code in (case.verdict.cause, *case.verdict.also, case.cause.code, *recorded):
        if code and lookup(code).party is Party.NETWORK:
            return load(lookup(code).code)
    return None


def _begin(case: Case) -> float:
    return case.recorded.rows[0].at if case.recorded.rows else case.made_at


def _support_of(case: Case) -> str:
    if case.cloud:
        return f"the support of {case.cloud}"
    if anthropics(case.host):
        return f"Anthropic support ({SUPPORT})"
    return f"whoever runs {case.host}"


def _measured(case: Case) -> list[str]:
    """What the checks of the network found, those that failed first."""
    wanted = [
        one
        for one in case.results
        if one.check.id.startswith(("net.", "tls.", "api.")) and one.finding.state != "skip"
    ]
    said = [_line(one) for one in sorted(wanted, key=lambda one: one.finding.state not in ("fail", "warn"))]
    chain = next((one.finding.facts for one in case.results if one.check.id == "tls.chain"), {})
    issuer = chain.get("issuer")
    if isinstance(issuer, str) and issuer:
        trust = "trusts" if chain.get("trusted") is True else "does not trust"
        said.append(f"issuer of the certificate: {issuer}; this machine {trust} it")
    proxy = next(
        (one.finding.facts.get("proxy") for one in case.results if one.check.id == "net.proxy"), None
    )
    return [*said, f"proxy: {proxy}"] if proxy else said


def _line(one: Result) -> str:
    return f"{one.check.title}: {one.finding.state.value}; {one.finding.summary}"


def _tests(host: str) -> list[str]:
    return [
        f"curl -sS -o /dev/null -w '%{{http_code}}\\n' https://{host}/v1/models      must print 401",
        f"openssl s_client -connect {host}:443 -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -issuer",
        "seawall doctor --all      shows every step of the way; exit 0 when all is well",
    ]
