"""The broken networks, each with the verdict it must give. To add one: a line here."""

from lab_world import (
    ADDRESSES,
    API,
    API4,
    API6,
    COMPANY,
    CONTROL,
    KEY,
    PORTAL,
    PROXY,
    RESOLVER,
    STATUS,
    Call,
    Case,
    World,
)

from seawall.fake.scenario import Rule

DNS = ("network.dns_failure", "network.dns_temporary")
CUT = ("network.blocked", "network.connect_timeout", "network.connection_refused")
DOWN = ("provider.service_unavailable", "provider.overloaded", "provider.bad_gateway", "provider.cdn_origin_error",
        "provider.internal_server_error", "provider.gateway_timeout")  # fmt: skip
TO_API = f"ip daddr {API4}"
TO_API6 = f"ip6 daddr {API6}"
BY_PROXY = {"ANTHROPIC_API_KEY": KEY, "HTTPS_PROXY": f"http://{PROXY}:3128"}
ONLY_BY_PROXY = ("tcp dport { 80, 443 } reject",)
NODE_20 = {
    "claude": "#!/usr/bin/env node\n",
    "node": "case $1 in --version) echo v20.11.0;; *) echo '2.1.290 (Claude Code)';; esac",
}
"""Claude Code from npm, on a Node that cannot read the system's roots."""
OPENAI = "sk-proj-" + "A" * 156


def key(text: str) -> dict[str, str]:
    """An environment with this key."""
    return {"ANTHROPIC_API_KEY": text}


def always(do: str, path: str = "/v1/messages", model: str = "*") -> tuple[Rule, ...]:
    """The API does this wrong, every time."""
    return (Rule(do=do, path=path, model=model),)


CASES = (
    Case("nothing is broken", World(), (None,)),

    # The link and the way out.
    Case("no link", World(route="down"), ("network.offline",)),
    Case("a link and no route", World(route="none"), ("network.offline",)),
    Case("a router that lets nothing through", World(firewall=("drop",)), ("network.offline", *DNS)),
    Case("names resolve, every connection is dropped", World(firewall=("meta l4proto tcp drop",)),
         ("network.offline", "network.connect_timeout")),
    Case("no IPv6, though the name has such an address", World(route="IPv4"), (None,)),
    Case("an IPv6 black hole", World(firewall=(f"{TO_API6} drop",)), ("network.ipv6_broken",)),
    Case("IPv6 is refused", World(firewall=(f"{TO_API6} meta l4proto tcp reject with tcp reset",)),
         ("network.ipv6_broken",)),
    Case("IPv4 is dropped, IPv6 works", World(firewall=(f"{TO_API} drop",)), (None, "network.connect_timeout")),
    Case("one of two addresses is dead", World(names={API: ("160.79.104.99", API4)},
         firewall=("ip daddr 160.79.104.99 drop",)), (None,)),
    # Which packets are lost is chance, and so is what fails first: a name, a connection, the handshake; or nothing,
    # and the time is over. That the same once more would tell is a right answer too, another's fault is none.
    Case("30 % of the packets are lost", World(firewall=("numgen inc mod 10 < 3 drop",),
         back=("numgen inc mod 10 < 3 drop",)),
         (None, "network.connect_timeout", "network.tls_other", "unknown.unknown", *DNS)),
    Case("a slow link", World(shape="tbf rate 128kbit burst 4k latency 2s"), (None,)),

    # Names.
    Case("a dead resolver", World(names={"*": "silent"}), DNS),
    Case("nobody listens at the resolver's address", World(resolver="none"), DNS),
    Case("the API's name does not exist", World(names={API: "NXDOMAIN"}), ("network.dns_failure",)),
    Case("no name exists", World(names={"*": "NXDOMAIN"}), ("network.dns_failure",)),
    Case("the resolver fails", World(names={"*": "SERVFAIL"}), DNS),
    Case("a filter's resolver knows no such name", World(resolver="dnsmasq", names={API: "NXDOMAIN"},
         dnsmasq_lines=("--address=/anthropic.com/",), needs=("dnsmasq",)), ("network.dns_failure",)),
    Case("a filter's resolver says 0.0.0.0", World(resolver="dnsmasq",
         names={API: ("0.0.0.0",)}, dnsmasq_lines=(f"--address=/{API}/0.0.0.0",), needs=("dnsmasq",)), (*CUT, *DNS)),
    Case("a wrong address where somebody else answers", World(names={API: (ADDRESSES[CONTROL][0],)}),
         ("network.tls_other",)),
    Case("a wrong address where nobody is", World(names={API: ("160.79.104.99",)},
         firewall=("ip daddr 160.79.104.99 drop",)), CUT),
    Case("the hosts file sends the API here", World(hosts=f"127.0.0.1 {API}"), CUT),
    Case("a slow resolver", World(late=0.6), (None,)),

    # Connections.
    Case("TCP is refused", World(firewall=(f"{TO_API} tcp dport 443 reject with tcp reset",
         f"{TO_API6} tcp dport 443 reject with tcp reset")), CUT),
    Case("a firewall says that it is forbidden", World(firewall=(f"{TO_API} reject with icmpx admin-prohibited",
         f"{TO_API6} reject with icmpx admin-prohibited")), CUT),
    Case("a firewall drops what goes to the API", World(firewall=(f"{TO_API} drop", f"{TO_API6} drop")), CUT),
    Case("reset after the handshake of TCP", World(firewall=(
         f"{TO_API} tcp flags & psh == psh reject with tcp reset",
         f"{TO_API6} tcp flags & psh == psh reject with tcp reset")), ("network.connection_reset",)),
    Case("closed after the request", World(api="nothing"), ("network.connection_reset",)),
    Case("an MTU black hole", World(back=(f"ip saddr {API4} meta length > 700 drop",
         f"ip6 saddr {API6} meta length > 700 drop")), ("network.connect_timeout", "network.blocked")),

    # TLS.
    Case("inspected with a root that nobody trusts", World(inspector="unknown"),
         ("network.tls_untrusted_ca",), notes="Zscaler"),
    Case("inspected with a root that the system trusts", World(inspector="trusted"), (None,), notes="Zscaler"),
    Case("inspected, and the client's Node does not read the system's roots", World(inspector="trusted",
         programs=NODE_20), ("network.tls_untrusted_ca",), notes="Node 20.11.0"),
    Case("the API's certificate is self-made", World(certificate="own root"), ("network.tls_untrusted_ca",)),
    Case("an expired certificate", World(certificate="expired"), ("network.tls_expired",)),
    Case("a certificate for another name", World(certificate="another name"), ("network.tls_other",)),
    Case("no TLS on the API's port", World(certificate="none", api="welcome"), ("network.tls_other",)),
    Case("a clock two years behind", World(off=730.0), ("machine.clock",)),
    Case("a clock 2 years ahead", World(off=-730.0), ("machine.clock",)),
    Case("a clock 20 min off", World(off=20 / 1440), ("machine.clock",)),
    Case("extra roots in a file that is not there", World(inspector="unknown",
         env={"ANTHROPIC_API_KEY": KEY, "NODE_EXTRA_CA_CERTS": "~/company.pem"}), ("machine.ca_file",)),
    Case("extra roots in DER", World(inspector="unknown", files={"company.der": "{company root in DER}"},
         env={"ANTHROPIC_API_KEY": KEY, "NODE_EXTRA_CA_CERTS": "~/company.der"}), ("machine.ca_file",)),
    Case("extra roots that are right", World(inspector="unknown", files={"company.pem": "{company root}"},
         env={"ANTHROPIC_API_KEY": KEY, "NODE_EXTRA_CA_CERTS": "~/company.pem"}), (None,)),
    Case("checking of certificates is off", World(inspector="unknown",
         env={"ANTHROPIC_API_KEY": KEY, "NODE_TLS_REJECT_UNAUTHORIZED": "0"}),
         ("network.tls_untrusted_ca", "machine.tls_checking_off")),

    # What answers in the API's place.
    Case("a sign-in network", World(portal="redirects", firewall=(f"ip daddr != {RESOLVER} tcp dport 443 reject",
         "meta nfproto ipv6 reject")), ("network.captive_portal",)),
    Case("a sign-in network that answers HTTPS too", World(portal="answers", route="IPv4"),
         ("network.captive_portal",)),
    Case("a filter's page", World(inspector="page"), ("network.blocked",)),
    Case("the edge asks for proof of a human", World(api="challenge"), ("network.edge_blocked",)),
    Case("a region that is not served", World(api="region"), ("account.region_blocked",)),
    Case("something that speaks no HTTP", World(api="garbage"), ("gateway.unexpected_response",
         "gateway.gateway_error", "network.connection_reset", "network.blocked")),

    # Proxies.
    Case("a proxy that works", World(proxy="open", env=BY_PROXY, firewall=ONLY_BY_PROXY), (None,)),
    Case("a proxy where nobody is", World(env=BY_PROXY), ("network.proxy_failed",)),
    Case("a proxy whose name does not exist", World(env=BY_PROXY, names={PROXY: "NXDOMAIN"}),
         ("network.proxy_failed", "network.dns_failure")),
    Case("a proxy that says nothing", World(proxy="silent", env=BY_PROXY), ("network.proxy_failed",)),
    Case("a proxy that wants a password", World(proxy="tinyproxy", env=BY_PROXY, firewall=ONLY_BY_PROXY,
         tinyproxy_lines=("BasicAuth me secret",), needs=("tinyproxy",)), ("network.proxy_auth",)),
    Case("a wrong password for the proxy", World(proxy="tinyproxy", firewall=ONLY_BY_PROXY,
         env={**BY_PROXY, "HTTPS_PROXY": f"http://me:wrong@{PROXY}:3128"},
         tinyproxy_lines=("BasicAuth me secret",), needs=("tinyproxy",)), ("network.proxy_auth",)),
    Case("the right password for the proxy", World(proxy="tinyproxy", firewall=ONLY_BY_PROXY,
         env={**BY_PROXY, "HTTPS_PROXY": f"http://me:secret@{PROXY}:3128"},
         tinyproxy_lines=("BasicAuth me secret",), needs=("tinyproxy",)), (None,)),
    Case("a proxy that refuses CONNECT", World(proxy="refuses", env=BY_PROXY, firewall=ONLY_BY_PROXY),
         ("network.proxy_failed",)),
    Case("a proxy that opens other ports only", World(proxy="tinyproxy", env=BY_PROXY, firewall=ONLY_BY_PROXY,
         tinyproxy_lines=("ConnectPort 563",), needs=("tinyproxy",)), ("network.proxy_failed",)),
    Case("a proxy by SOCKS", World(env={**BY_PROXY, "HTTPS_PROXY": f"socks5://{PROXY}:1080"}),
         ("network.proxy_failed",)),
    Case("a dead proxy in small letters wins over a good one", World(proxy="open", env={**BY_PROXY,
         "https_proxy": f"http://{PROXY}:9"}), ("network.proxy_failed",)),
    Case("a proxy that inspects with an unknown root", World(proxy="unknown", env=BY_PROXY,
         firewall=ONLY_BY_PROXY), ("network.tls_untrusted_ca",)),
    Case("a proxy that holds streams back", World(inspector="nginx-buffers", route="IPv4", needs=("nginx",),
         arguments=("--spend",)), ("network.proxy_buffering",)),
    Case("a proxy that cuts idle streams", World(inspector="nginx-cuts", route="IPv4", needs=("nginx",),
         rules=always("hang at=in-block seconds=30"), calls=tuple(Call() for _ in range(3))),
         ("network.proxy_idle_cut", "network.stream_truncated", "network.connection_reset",
          "network.stream_idle_timeout")),

    # This machine.
    Case("a dead local base address", World(env={**key(KEY), "ANTHROPIC_BASE_URL": "http://127.0.0.1:8787"}),
         ("machine.dead_base_url",)),
    Case("a dead local base address in the settings file", World(
         settings='{"env": {"ANTHROPIC_BASE_URL": "http://localhost:4000"}}'), ("machine.dead_base_url",)),
    Case("/v1 twice", World(env={**key(KEY), "ANTHROPIC_BASE_URL": f"https://{API}/v1"}),
         ("machine.wrong_base_url",)),
    Case("a base address without TLS", World(env={**key(KEY), "ANTHROPIC_BASE_URL": f"http://{API}"}),
         ("machine.wrong_base_url",)),
    Case("a settings file that is no JSON", World(settings='{"env": {"A": 1,}'), ("machine.settings",)),
    Case("no space left for the records", World(full=".local/share/seawall"), (None, "machine.disk"),
         notes="no room left"),

    # Key and account.
    Case("another vendor's key", World(env=key(OPENAI)), ("account.wrong_vendor",)),
    Case("a revoked key", World(rules=always("status code=401 message='invalid x-api-key'", "/v1/models")),
         ("account.invalid_api_key", "account.invalid_credentials_unspecified")),
    Case("a key with quotes around it", World(env=key(f'"{KEY}"')), ("account.malformed_key",)),
    Case("a key with a line break", World(env=key(f"{KEY}\n")), ("account.malformed_key",)),
    Case("a placeholder for a key", World(env=key("sk-ant-your-key-here")), ("account.malformed_key",)),
    Case("an admin key", World(env=key("sk-ant-admin01-" + "A" * 95)), ("account.invalid_api_key",)),
    Case("credit used up", World(rules=always("status code=400 type=invalid_request_error "
         "message='Your credit balance is too low to access the Anthropic API.'"), calls=(Call(),)),
         ("account.credit_exhausted",)),

    Case("no access to the model", World(rules=always("status code=403 type=permission_error "
         "message='Your API key does not have permission to use the specified resource.'"), calls=(Call(),)),
         ("account.permission_denied", "account.model_access_denied")),

    # The request.
    Case("a conversation that is too long", World(rules=always("status code=400 type=invalid_request_error "
         "message='prompt is too long: 214310 tokens > 200000 maximum'"), calls=(Call(),)),
         ("request.context_too_long",)),
    Case("a model that does not exist", World(rules=always("status code=404 type=not_found_error "
         "message='model: claude-opus-9'"), calls=(Call(),)), ("request.model_not_found",)),

    # Limits.
    Case("the plan's limit is used up", World(rules=always("plan-limit window=5h resets-in=7200"),
         calls=(Call(),)), ("limit.usage_limit_reached",)),
    Case("the spend cap is reached", World(rules=always("spend-cap"), calls=(Call(),)),
         ("limit.spend_limit_reached",)),
    Case("a limit a minute, held", World(rules=always("rate-limit retry-after=60"), calls=(Call(held=True),)),
         ("limit.rate_limited_requests", "limit.rate_limited_tokens")),

    Case("a throttle that is not the plan's limit", World(rules=always("throttle"), calls=(Call(held=True),)),
         ("provider.rate_limited_unspecified",)),

    # The service.
    Case("an overload that is over", World(rules=(Rule(do="overloaded", count=1),), calls=(Call(),)), (None,)),
    Case("an overload behind Seawall, to which Claude Code is sent", World(rules=always("overloaded"),
         settings='{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8787"}}', calls=(Call(held=True),)),
         ("provider.overloaded",)),
    Case("529 for one model only", World(rules=always("overloaded", model="claude-opus*"),
         calls=(Call("claude-opus-5", held=True), Call("claude-sonnet-5"))),
         ("provider.overloaded", "provider.model_capacity")),
    Case("529 for everybody, with a green page", World(api="overloaded"), ("provider.overloaded",)),
    Case("500 for everybody", World(api="broken"), ("provider.internal_server_error",)),
    Case("a full outage with a green page", World(api="edge 503"), DOWN),
    Case("a full outage with a red page", World(api="edge 503", page="red"), DOWN),
    Case("an edge without a service behind it", World(api="edge 522", page="red"), DOWN),
    Case("an outage behind an open proxy", World(api="edge 503", proxy="open", env=BY_PROXY,
         firewall=ONLY_BY_PROXY), DOWN),
    Case("the API takes requests and says nothing, with a red page", World(api="silent", page="red"), DOWN),
    Case("a status page that is no JSON", World(page="html"), (None,)),
    Case("no status page, during an outage", World(api="overloaded", page="gone"), ("provider.overloaded",)),

    # Seawall, and another's gateway.
    Case("Seawall hangs", World(calls=(Call(),), hung=True), ("seawall.internal_error",)),
    Case("the company's gateway has no upstream", World(company="502", route="IPv4", needs=("nginx",),
         env={**key(KEY), "ANTHROPIC_BASE_URL": f"https://{COMPANY}"}),
         ("gateway.gateway_error", "gateway.unexpected_response")),

    # Two at once: the one that must be fixed first, and the other beside it.
    Case("a wrong key and a red page", World(env=key(OPENAI), page="red"), ("account.wrong_vendor",),
         also=DOWN),
    Case("a red page and a broken resolver", World(names={API: "SERVFAIL"}, page="red"), DNS, also=DOWN),
    Case("an outage and a dead local base address", World(api="edge 503", page="red",
         env={**key(KEY), "ANTHROPIC_BASE_URL": "http://127.0.0.1:8787"}), ("machine.dead_base_url",)),
    Case("an IPv6 black hole and a revoked key", World(firewall=(f"{TO_API6} drop",),
         rules=always("status code=401 message='invalid x-api-key'", "/v1/models")),
         ("account.invalid_api_key", "account.invalid_credentials_unspecified"), also=("network.ipv6_broken",)),
    Case("a sign-in network and another vendor's key", World(portal="answers", route="IPv4", env=key(OPENAI)),
         ("account.wrong_vendor",), also=("network.captive_portal",)),
    Case("an outage and an IPv6 black hole", World(api="overloaded", firewall=(f"{TO_API6} drop",)),
         ("network.ipv6_broken",), also=("provider.overloaded",)),
    Case("a blocked status page, all else well", World(names={STATUS: "NXDOMAIN"}), (None,)),
    Case("an unrelated host that is down, all else well", World(names={CONTROL: (PORTAL,)},
         firewall=(f"ip daddr {PORTAL} drop",)), (None,)),
)  # fmt: skip
"""Every case, by subject."""
