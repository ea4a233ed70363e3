"""What is to be examined: which address the client uses, who says so, by which credential, whom to ask beside."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seawall.config import Config, Gateway, Network
from seawall.origin import Origin, is_loopback

LARGEST = 4 << 20
"""Bytes read of a settings file; the client's own are a few KB."""
ENVIRONMENT = "the environment"
_MANAGED = {
    "darwin": Path("/Library/Application Support/ClaudeCode/managed-settings.json"),
    "linux": Path("/etc/claude-code/managed-settings.json"),
}
_CLOUDS = {
    "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock",
    "CLAUDE_CODE_USE_VERTEX": "Google Cloud",
    "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS": "Claude Platform on AWS",
    "CLAUDE_CODE_USE_MANTLE": "Amazon Bedrock",
}
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file of Claude Code that exists: its variables, or why it cannot be used and where."""

    path: str
    """As a person would type it."""
    scope: str
    """`managed`, `local`, `project` or `user`."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    trouble: str = ""


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
    control: str = "https://example.com"
    status: str = "https://status.claude.com"
    saved_login: bool = False
    """Claude Code has a login saved. It is never opened."""
    offline: bool = False
    gateways: tuple[Mapping[str, Any], ...] = ()
    """What the user's own gateways say of themselves."""

    @property
    def cloud(self) -> str:
        """The other provider that Claude Code is switched to, or empty."""
        return next(
            (
                said
                for name, said in _CLOUDS.items()
                if name in self.variables and self.variables[name].text.strip().lower() not in _OFF
            ),
            "",
        )


NAMES = (
    "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
    "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE", "NODE_TLS_REJECT_UNAUTHORIZED", "API_TIMEOUT_MS", *_CLOUDS,
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
    gateways: Sequence[Mapping[str, Any]] = (),
    managed: Path | None = None,
) -> Subject:
    """The subject; `ValueError` with a sentence where `base_url` is no address."""
    files = tuple(settings_files(environ, home, here, managed))
    variables, hidden = winners(files, environ)
    told = variables.get("ANTHROPIC_BASE_URL")
    if base_url is not None:
        api, path = Origin.parse(base_url)
        told = Value(base_url, "--base-url", "option")
    else:
        api, path = _measured(config.gateway.upstream, upstream_source, told)
    user = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    return Subject(
        config=replace(config, network=_network(config.network, variables)),
        api=api,
        base_path=path,
        files=files,
        variables=variables,
        hidden=hidden,
        base_url=told.text if told else "",
        base_where=told.where if told else "",
        given_url=base_url is not None,
        control=config.doctor.control,
        status=config.doctor.status,
        saved_login=_exists(user / ".credentials.json"),
        offline=offline,
        gateways=tuple(gateways),
    )


def _measured(upstream: str, source: str, told: Value | None) -> tuple[Origin, str]:
    """Whom to measure: what is behind a local gateway, else the address that the client is told."""
    for address in (told.text if told else "", upstream if source != "ANTHROPIC_BASE_URL" else ""):
        try:
            origin, path = Origin.parse(address)
        except ValueError:
            continue
        # A local address is another program's; where that one sends calls is what the setting of Seawall says.
        if address == upstream and source != "ANTHROPIC_BASE_URL":
            return origin, path
        if not is_loopback(origin.host) and origin.scheme == "https":
            return origin, path
    return Origin.parse(Gateway().upstream)


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
    return replace(
        network,
        https_proxy=network.https_proxy if secure is None else secure,
        http_proxy=network.http_proxy if plain is None else plain,
        no_proxy=network.no_proxy if excepted is None else excepted,
        ca_files=tuple(dict.fromkeys([*network.ca_files, *filter(None, roots)])),
    )


def settings_files(
    environ: Mapping[str, str], home: Path, here: Path, managed: Path | None = None
) -> Iterable[SettingsFile]:
    """Claude Code's settings files that exist, the one that wins first."""
    user = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    places = (
        (managed or _MANAGED.get(sys.platform, _MANAGED["linux"]), "managed"),
        (here / ".claude" / "settings.local.json", "local"),
        (here / ".claude" / "settings.json", "project"),
        (user / "settings.json", "user"),
    )
    seen = set()
    for path, scope in places:
        if path not in seen and (found := _read(path, scope, home)):
            yield found
        seen.add(path)


def _read(path: Path, scope: str, home: Path) -> SettingsFile | None:
    shown = str(path)
    if path.is_relative_to(home):
        shown = f"~/{path.relative_to(home)}"
    try:
        if not path.is_file():
            return SettingsFile(shown, scope, trouble="it is a folder") if path.is_dir() else None
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        return SettingsFile(shown, scope, trouble=f"it cannot be read ({error.strerror or 'no access'})")
    if len(data) > LARGEST:
        return SettingsFile(shown, scope, trouble="it is larger than 4 MiB")
    try:
        value = json.loads(data.decode("utf-8-sig") or "{}")
    except UnicodeDecodeError as error:
        return SettingsFile(shown, scope, trouble=f"byte {error.start} is not UTF-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return SettingsFile(shown, scope, trouble=f"{where}: {error.msg[:1].lower()}{error.msg[1:]}")
    except (ValueError, RecursionError):
        return SettingsFile(shown, scope, trouble="it is nested too deeply, or has a number that is none")
    if not isinstance(value, dict):
        return SettingsFile(shown, scope, trouble="it holds no JSON object")
    env = value.get("env", {})
    if not isinstance(env, dict):
        return SettingsFile(shown, scope, trouble='its "env" is no object')
    texts = {name: str(text) for name, text in env.items() if isinstance(text, (str, int, float))}
    return SettingsFile(shown, scope, {name: texts[name] for name in NAMES if name in texts})


def winners(
    files: Sequence[SettingsFile], environ: Mapping[str, str]
) -> tuple[dict[str, Value], dict[str, tuple[str, ...]]]:
    """Each variable as the client gets it, and who else sets it; files win over the environment."""
    won: dict[str, Value] = {}
    hidden: dict[str, tuple[str, ...]] = {}
    for name in NAMES:
        said = [Value(file.env[name], file.path, file.scope) for file in files if file.env.get(name)]
        if environ.get(name):
            said.append(Value(environ[name], ENVIRONMENT))
        if said:
            won[name] = said[0]
            if len(said) > 1:
                hidden[name] = tuple(one.where for one in said[1:])
    return won, hidden


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
