"""What is to be examined: which address the client uses, who says so, by which credential, whom to ask beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seawall.claude_code.profiles import Line, line_of, lines
from seawall.claude_code.settings import CLOUDS, MANAGED, SettingsFile, cloud, files, user_folder
from seawall.config import Config, Gateway, Network
from seawall.doctor.behind import behind, carrying
from seawall.origin import Origin, is_loopback
from seawall.settings import CLIENT_CERTIFICATE

ENVIRONMENT = "the environment"


@dataclass(frozen=True, slots=True)
class Value:
    """A variable as the client gets it, and who says so."""

    text: str = field(repr=False)
    where: str
    scope: str = "environment"


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that checks start from. Nothing here was measured."""

    config: Config
    api: Origin
    """Whom calls end up at: what is measured."""
    base_path: str = ""
    files: tuple[SettingsFile, ...] = ()
    variables: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """Those that decide where calls go and as whom; where several say one, the one that wins."""
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Who else sets a variable, and does not win."""
    base_url: str = ""
    """The address that the client is told; empty: its own default."""
    base_where: str = ""
    given_url: bool = False
    """The address was named on the command line: no credential is ever sent there."""
    inferred: bool = False
    """No setting names the address: a gateway that carries calls sends them there."""
    control: str = "https://example.com"
    status: str = "https://status.claude.com"
    captive: str = "http://www.gstatic.com/generate_204"
    saved_login: bool = False
    """Claude Code has a login saved. It is never opened."""
    offline: bool = False
    spend: bool = False
    """Tokens may be spent."""
    model: str = ""
    """The model that a call that spends tokens is for; empty: a small one."""
    search_path: str = ""
    """Where programs are looked for."""
    lines: tuple[Line, ...] = ()
    """Where shell profiles and the like set those variables."""
    home: Path = Path("/nonexistent")
    claude_folder: Path = Path("/nonexistent")
    """Where Claude Code keeps what is the user's."""
    state: Path | None = None
    """Where the facts of the last success are kept; None: nowhere."""
    gateways: tuple[Mapping[str, Any], ...] = ()
    """What the user's own gateways say of themselves."""

    @property
    def cloud(self) -> str:
        """The other provider that Claude Code is switched to, or empty."""
        name = cloud({name: value.text for name, value in self.variables.items()})
        return CLOUDS[name] if name else ""


NAMES = (
    "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_MODEL",
    "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "CLAUDE_CODE_CERT_STORE", "NODE_TLS_REJECT_UNAUTHORIZED",
    *CLIENT_CERTIFICATE.values(),
    "API_TIMEOUT_MS", "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS", "CLAUDE_ENABLE_STREAM_WATCHDOG", "CLAUDE_ENABLE_BYTE_WATCHDOG",
    "API_FORCE_IDLE_TIMEOUT", "CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CODE_MAX_OUTPUT_TOKENS", *CLOUDS,
)  # fmt: skip
"""What is read of the environment and of settings files; nothing else is looked at."""


def subject(
    config: Config,
    upstream_source: str,
    environ: Mapping[str, str],
    home: Path,
    here: Path,
    *,
    base_url: str | None = None,
    offline: bool = False,
    spend: bool | None = None,
    model: str = "",
    gateways: Sequence[Mapping[str, Any]] = (),
    state: Path | None = None,
    managed: Sequence[Path] = MANAGED,
) -> Subject:
    """The subject; `ValueError` with a sentence where `base_url` is no address. `spend` None: as it is configured."""
    found = tuple(files(environ, home, here, managed))
    written = lines(home, here, NAMES)
    variables, hidden = winners(found, environ, written)
    told = variables.get("ANTHROPIC_BASE_URL")
    if base_url is not None:
        api, path = Origin.parse(base_url)
        told = Value(base_url, "--base-url", "option")
        inferred = False
    else:
        api, path, inferred = _measured(config.gateway.upstream, upstream_source, told, gateways)
    return Subject(
        config=replace(config, network=_network(config.network, variables)),
        api=api,
        base_path=path,
        files=found,
        variables=variables,
        hidden=hidden,
        base_url=told.text if told else "",
        base_where=told.where if told else "",
        given_url=base_url is not None,
        inferred=inferred,
        control=config.doctor.control_host,
        status=config.doctor.status_page,
        captive=config.doctor.captive_probe,
        saved_login=_exists(user_folder(environ, home) / ".credentials.json"),
        offline=offline,
        spend=config.doctor.spend if spend is None else spend,
        model=model or (variables["ANTHROPIC_MODEL"].text if "ANTHROPIC_MODEL" in variables else ""),
        search_path=environ.get("PATH", ""),
        lines=written,
        home=home,
        claude_folder=user_folder(environ, home),
        state=state,
        gateways=tuple(gateways),
    )


def _measured(
    upstream: str, source: str, told: Value | None, gateways: Sequence[Mapping[str, Any]]
) -> tuple[Origin, str, bool]:
    """Whom to measure: what is behind a local gateway, else the address that the client is told.

    The last: whether nothing but a gateway that carries calls names it.
    """
    address = told.text if told else ""
    if (origin := _parsed(address)) is not None and (found := behind(origin[0], gateways)) is not None:
        return *found, False
    # What this very command's environment names is meant; where nothing is told, calls take the way that runs.
    if (
        told is None
        and not source.startswith("SEAWALL_")
        and (found := carrying(gateways, upstream)) is not None
    ):
        return *found, found != _parsed(upstream)
    for each in (address, upstream if source != "ANTHROPIC_BASE_URL" else ""):
        if (origin := _parsed(each)) is None:
            continue
        # A local address is another program's; where that one sends calls is what the setting of Seawall says.
        if each == upstream and source != "ANTHROPIC_BASE_URL":
            return *origin, False
        if not is_loopback(origin[0].host) and origin[0].scheme == "https":
            return *origin, False
    return *Origin.parse(Gateway().upstream), False


def _parsed(address: str) -> tuple[Origin, str] | None:
    try:
        return Origin.parse(address)
    except ValueError:
        return None


def _network(network: Network, variables: Mapping[str, Value]) -> Network:
    """The way out as the client takes it: what its settings files say wins."""

    def first(*names: str) -> str | None:
        own = [variables[name] for name in names if name in variables]
        return own[0].text if own and any(one.scope != "environment" for one in own) else None

    plain = first("http_proxy", "HTTP_PROXY")
    secure = first("https_proxy", "HTTPS_PROXY")
    secure = plain if secure is None and not network.https_proxy else secure
    excepted = first("no_proxy", "NO_PROXY")
    roots = [first(name) for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")]
    cert, key, passphrase = (first(name) for name in CLIENT_CERTIFICATE.values())
    return replace(
        network,
        https_proxy=network.https_proxy if secure is None else secure,
        http_proxy=network.http_proxy if plain is None else plain,
        no_proxy=network.no_proxy if excepted is None else excepted,
        ca_files=tuple(dict.fromkeys([*network.ca_files, *filter(None, roots)])),
        client_cert=network.client_cert if cert is None else cert,
        client_key=network.client_key if key is None else key,
        client_key_passphrase=network.client_key_passphrase if passphrase is None else passphrase,
    )


def winners(
    found: Sequence[SettingsFile], environ: Mapping[str, str], written: Sequence[Line] = ()
) -> tuple[dict[str, Value], dict[str, tuple[str, ...]]]:
    """Each variable as the client gets it, and who else sets it; files win over the environment.

    A file that sets one to nothing takes it away.
    """
    won: dict[str, Value] = {}
    hidden: dict[str, tuple[str, ...]] = {}
    for name in NAMES:
        said = [Value(one.env[name], one.path, one.scope) for one in found if name in one.env]
        if text := environ.get(name):
            said.append(Value(text, line_of(written, name, text) or ENVIRONMENT))
        if said and said[0].text:
            won[name] = said[0]
            if others := tuple(one.where for one in said[1:] if one.text):
                hidden[name] = others
    return won, hidden


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
