"""Where settings come from, in this order: options, the environment, a project's file, the user's file."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from seawall.config import (
    Config,
    ConfigError,
    Fallback,
    Gateway,
    Hold,
    Rate,
    Seconds,
    check_fallback,
    is_own,
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, where each came from (by dotted key), and what was ignored and why."""

    config: Config
    sources: dict[str, str]
    warnings: list[str]


# Names that a person writes, for fields that stand elsewhere in the table.
ALIASES = {
    "gateway.hold": "gateway.hold.longest",
    "gateway.hold_deferrable": "gateway.hold.deferrable",
    "gateway.ping_every": "gateway.hold.ping_every",
    "gateway.max_held_bytes": "gateway.sizes.held",
}

# A project's file comes with somebody else's repository: it may not say where calls, credentials or files go.
_NOT_FROM_PROJECTS = (
    "gateway.listen",
    "gateway.upstream",
    "gateway.hosts",
    "gateway.origins",
    "gateway.behind_proxy",
    "gateway.tls_cert",
    "gateway.tls_key",
    "gateway.fallback",
    "network.",
    "store.",
    "team.",
    "doctor.",
    "report.",
    "history.keep",
    "notify.webhook",
    "notify.secret",
    "notify.slack",
    "notify.apprise",
    "telemetry.",
)

_SECONDS_EACH = "gateway.idle.first_byte_per_token"
"""Seconds for each of something: written as a number, shorter on a faster clock."""

# What a number must be at least where zero would spin, divide or block; at least zero elsewhere.
_LEAST = {
    "gateway.concurrency": 1,
    "gateway.backoff.factor": 1,
    "gateway.hold.ping_every": 0.05,
    "gateway.hold.retry_after_least": 1,
    "gateway.hold.retry_after_most": 1,
    "gateway.idle": 0.01,
    "gateway.idle.first_byte_per_token": 0,
    "gateway.sizes": 1024,
    "doctor.deadline": 1,
    "gateway.limiter": 0.001,
    "gateway.breaker": 0.001,
    "gateway.pacer": 0.001,
    "gateway.pacer.margin": 0,
    "gateway.pacer.over": 0,
    "gateway.queue": 0.001,
    "gateway.budget": 0.001,
    "notify.most": 1,
    "history.keep": 86400.0,
    "plan.min_calls_per_cell": 1,
}
_MOST = {
    "gateway.hold.deadline_share": 1.0,
    "gateway.concurrency": 100_000,
    "gateway.limiter.depth": 1.0,
    "gateway.limiter.own_down": 1.0,
    "gateway.limiter.foreign_down": 1.0,
    "gateway.breaker.alarm": 0.5,
    "gateway.breaker.probe_spread": 0.9,
    "gateway.pacer.margin": 0.5,
    "gateway.queue.promote_share": 1.0,
    "gateway.queue.age_share": 1.0,
    "doctor.deadline": 60.0,
}
NEVER_SHOWN = (
    "team.token",
    "network.client_key_passphrase",
    "notify.webhook",
    "notify.secret",
    "notify.slack",
    "notify.apprise",
    "telemetry.",
    "fallback.key_env",
    "fallback.key_keyring",
)
_PEAKS = "plan.published_peaks"
_PEAK = ("days", "hours", "tz", "source", "date", "withdrawn")
"""A setting that may be written as a list of tables with these keys; between texts in a variable stands `;;`."""
_LONGEST = 10 * 365 * 86400.0
_LARGEST = 1 << 50
_FILE_LIMIT = 1 << 20

_TABLE_BEGINS = re.compile(r"\s*\[\[\s*[\"']?fallback[\"']?\s*\]\]")
_RESERVED = ("SEAWALL_CONFIG", "SEAWALL_DEBUG")

Value = str | bool | int | float | tuple[str, ...]


def _walk(kind: type, prefix: str) -> Iterator[tuple[str, type]]:
    for one in fields(kind):
        key = f"{prefix}.{one.name}" if prefix else one.name
        if key in ("gateway.upstream_is_clients", "fallback"):  # a conclusion; a list of tables
            continue
        if isinstance(one.type, type) and is_dataclass(one.type):
            yield from _walk(one.type, key)
        else:
            yield key, cast("type", one.type)


_SETTINGS = dict(_walk(Config, ""))
_TABLES = {
    f"fallback.{'for' if one.name == 'causes' else one.name}": cast("type", one.type)
    for one in fields(Fallback)
}


def _plain(kinds: dict[str, type]) -> dict[str, type]:
    return {key: float if kind in (Seconds, Rate) else kind for key, kind in kinds.items()}


_ALL = _SETTINGS | _TABLES

KEYS = _plain(_SETTINGS)
"""Every setting by its dotted key, with the type that its value has inside."""

TABLES = _plain(_TABLES)
"""What may stand in each `[[fallback]]`, by the name that is written there. These tables are a list, so they are no
settings with one value and one source: they come from the user's file, or not at all."""

_SECTIONS = {key.rsplit(".", n)[0] for key in KEYS for n in range(1, key.count(".") + 1)}

_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|seconds?|sec|s|minutes?|min|m|hours?|h|days?|d)(?![a-z])\s*", re.ASCII
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i)?)?b?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def seconds(text: str) -> float:
    """Seconds in a length such as `15m`, `1h 30m`, `500ms` or `90`; ValueError if it is none, or has no end."""
    text = text.strip().lower()
    total, at = 0.0, 0
    if _NUMBER.fullmatch(text):
        total, at = float(text), len(text)
    while at < len(text):
        found = _DURATION.match(text, at)
        if found is None:
            raise ValueError(text)
        unit = found[2]
        total += float(found[1]) * _SECONDS["ms" if unit == "ms" else unit[0]]
        at = found.end()
    if not text or not math.isfinite(total):
        raise ValueError(text)
    return total


def size(text: str) -> int:
    """Bytes in a size such as `1 GiB`, `64 MB`, `512k` or `4096`; ValueError if it is none."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    power = " kmgt".index(found[2].lower()) if found[2] else 0
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def _kind(key: str) -> type:
    return KEYS[key] if key in KEYS else TABLES[key]


def is_seconds(key: str) -> bool:
    """Whether a float under this key is a length of time."""
    return _ALL[key] == Seconds


def accelerated(config: Config, factor: float) -> Config:
    """The same settings on a clock that runs `factor` times as fast: durations are shorter, rates are higher."""
    return cast("Config", _accelerated(config, "", factor))


def _accelerated(part: Any, prefix: str, factor: float) -> object:
    changes: dict[str, object] = {}
    for one in fields(part):
        key, value = f"{prefix}.{one.name}" if prefix else one.name, getattr(part, one.name)
        if is_dataclass(value):
            changes[one.name] = _accelerated(value, key, factor)
        elif one.type == Rate:
            changes[one.name] = value * factor
        elif one.type == Seconds or key == _SECONDS_EACH:
            changes[one.name] = value / factor
    return replace(part, **changes)


def as_toml(config: Config) -> str:
    """The settings as a file that gives them again, but for credentials and tables of fallbacks."""
    lines = []
    for key, value in flat(config):
        if key in NEVER_SHOWN:
            continue
        if isinstance(value, bool):
            shown = str(value).lower()
        elif isinstance(value, str):
            shown = _quoted(value)
        elif isinstance(value, tuple):
            shown = "[" + ", ".join(map(_quoted, value)) + "]"
        else:
            shown = repr(value)
        lines.append(f"{key} = {shown}\n")
    return "".join(lines)


def _quoted(text: str) -> str:
    import json  # TOML's basic strings escape as JSON's do

    return json.dumps(text)


def flat(config: Config) -> Iterator[tuple[str, Value]]:
    """Every setting by its dotted key with its value in `config`."""
    for key in KEYS:
        value: object = config
        for name in key.split("."):
            value = getattr(value, name)
        yield key, cast("Value", value)


def _expected(key: str) -> str:
    match _kind(key):
        case t if t is str:
            return "a text"
        case t if t is bool:
            return "true or false"
        case t if t is int:
            return 'a size such as "1 GiB"' if key.startswith("gateway.sizes.") else "a whole number"
        case t if t is float:
            return 'a length of time such as "15m"' if is_seconds(key) else "a number"
        case _:
            return "a list of texts"


def _number(key: str, value: object) -> int | float:
    """The value as its key's kind of number; ValueError or TypeError if it is none."""
    whole = _kind(key) is int
    if isinstance(value, str):
        text = value.strip()
        if key.startswith("gateway.sizes."):
            return size(text)
        if whole:
            return int(text)
        return seconds(text) if is_seconds(key) else float(text)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise TypeError(key)
    return value if whole else float(value)


def _bounded(key: str, number: int | float) -> int | float:
    """The number, if it lies within what its key allows; else ConfigError."""
    section = key.rsplit(".", 1)[0]
    least = _LEAST.get(key, _LEAST.get(section, 0))
    most = _MOST.get(key, _LARGEST if _kind(key) is int else _LONGEST)
    if not (number >= least):  # also refuses nan
        raise ConfigError(f"{key} must be at least {least}, not {number}")
    if number > most:
        raise ConfigError(f"{key} must be at most {most:g}, not {number:g}")
    return number


def _shown(value: object) -> str:
    text = (
        repr(value)
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else repr(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."


def convert(key: str, value: object) -> Value:
    """The value of a setting as its type; ConfigError names the key, what was expected and what was found."""
    wanted = _kind(key)
    try:
        if wanted is str:
            if isinstance(value, str) and not any(c in value for c in "\r\n\0"):
                return value.strip()
        elif wanted is bool:
            if isinstance(value, bool):
                return value
            if isinstance(value, str):
                return {
                    "true": True,
                    "1": True,
                    "yes": True,
                    "on": True,
                    "false": False,
                    "0": False,
                    "no": False,
                    "off": False,
                }[value.strip().lower()]
        elif wanted in (int, float):
            return _bounded(key, _number(key, value))
        elif key == _PEAKS and isinstance(value, (list, tuple)):
            return tuple(_peak(part) for part in value)
        elif isinstance(value, str):
            return tuple(part.strip() for part in value.split(";;" if key == _PEAKS else ",") if part.strip())
        elif isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
            return tuple(value)
    except (ValueError, TypeError, KeyError, OverflowError):
        pass
    found = "a text that is none" if key in NEVER_SHOWN else _shown(value)
    raise ConfigError(f"{key} must be {_expected(key)}, not {found}")


def _peak(value: object) -> str:
    """A claim of busy hours in one line, also where it is written as a table; ValueError if it is neither."""
    if isinstance(value, Mapping):
        table = {"withdrawn": "", **value}
        if table.keys() != set(_PEAK):
            raise ValueError(value)
        parts = {name: str(table[name]) for name in _PEAK}
        value = f"{parts['days']} {parts['hours']} {parts['tz']}; " + "; ".join(
            parts[name] for name in ("source", "date", "withdrawn") if parts[name]
        )
    if not isinstance(value, str) or any(c in value for c in "\r\n\0"):
        raise ValueError(value)
    return value


@dataclass(frozen=True, slots=True)
class _Given:
    """One value that somebody set."""

    key: str
    value: object
    source: str
    strict: bool
    """From the command line or the environment: a wrong one ends the command."""


@dataclass(frozen=True, slots=True)
class _Table:
    """One `[[fallback]]`, and where it stands."""

    fallback: Fallback
    where: str


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True)
class Content:
    """A settings file as it was read; empty with the line that says why it was not used."""

    table: dict[str, object]
    trouble: str | None = None
    fallback_lines: tuple[int, ...] = ()


def read_file(path: Path) -> Content:
    """A settings file's content."""
    ignored = "this file is not used"
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except FileNotFoundError:
        return Content({})
    except OSError as error:
        return Content({}, f"{path} cannot be read ({error.strerror}); {ignored}")
    if len(data) > _FILE_LIMIT:
        return Content({}, f"{path} is larger than 1 MiB; {ignored}")
    import tomllib  # most people have no file

    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return Content(tomllib.loads(text), None, tuple(table_lines(text)))
    except UnicodeDecodeError as error:
        line = error.object.count(10, 0, error.start) + 1
        return Content({}, f"{path}, line {line}: not UTF-8; {ignored}")
    except tomllib.TOMLDecodeError as error:
        return Content({}, f"{path}: {error}; {ignored}")
    except RecursionError:
        return Content({}, f"{path} is nested too deeply; {ignored}")


def _flatten(table: Mapping[str, object], source: str, prefix: str, warnings: list[str]) -> Iterator[_Given]:
    """The settings of a parsed file, one by one; what is not known is added to the warnings."""
    for name, value in table.items():
        plain = name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _shown(name)
        key = f"{prefix}.{plain}" if prefix else plain
        if isinstance(value, Mapping) and key in _SECTIONS:
            yield from _flatten(value, source, key, warnings)
        elif isinstance(value, Mapping) and not (key in KEYS or key in ALIASES):
            warnings.append(f"{source}: [{key}] is not a section{_nearest(key, _SECTIONS)}")
        elif key in ALIASES or key in KEYS:
            yield _Given(ALIASES.get(key, key), value, source, strict=False)
        elif key in _SECTIONS:
            warnings.append(f"{source}: {key} must be a section, not {_shown(value)}; it is not used")
        else:
            warnings.append(f"{source}: {key} is not a setting{_nearest(key, [*KEYS, *ALIASES])}")


def _tables(value: object, source: str, lines: Sequence[int], warnings: list[str]) -> Iterator[_Table]:
    """The `[[fallback]]` tables of the user's file that say what they must; the others are warnings."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        warnings.append(f"{source}: fallback must be tables that begin with [[fallback]]; it is not used")
        return
    for number, table in enumerate(value, 1):
        where = f"{source}, line {lines[number - 1]}" if len(lines) == len(value) else source
        where = f"{where}: [[fallback]] {number}"
        made: dict[str, Any] = {}
        try:
            for name, given in table.items():
                key = f"fallback.{name}"
                if key not in TABLES:
                    near = _nearest(key, TABLES).replace("fallback.", "")
                    raise ConfigError(f"{_shown(name)} is not one of its keys{near}")
                made["causes" if name == "for" else name] = convert(key, given)
        except ConfigError as error:
            warnings.append(f"{where}: {error}; it is not used")
            continue
        yield _Table(Fallback(**made), where)


def table_lines(text: str) -> list[int]:
    """The lines at which `[[fallback]]` tables begin, for warnings; wrong only where such a line is in a long text."""
    return [number for number, line in enumerate(text.splitlines(), 1) if _TABLE_BEGINS.match(line)]


def _variable(key: str) -> str:
    return "SEAWALL_" + key.upper().replace(".", "_")


def _from_environment(environ: Mapping[str, str], warnings: list[str]) -> Iterator[_Given]:
    names = {_variable(key): key for key in KEYS} | {_variable(key): to for key, to in ALIASES.items()}
    # The full name wins over the short one.
    for name, key in sorted(names.items(), key=lambda pair: pair[0] != _variable(pair[1])):
        if value := environ.get(name, "").strip():
            yield _Given(key, value, name, strict=True)
    sections = tuple(_variable(section) + "_" for section in _SECTIONS if "." not in section)
    for name in environ:
        if name.startswith(sections) and name not in names and name not in _RESERVED:
            warnings.append(f"{name} is not a setting{_nearest(name, names)}")


def _first(environ: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of the variables that is set and not empty, and its name."""
    for name in names:
        if value := environ.get(name, "").strip():
            return value, name
    return "", ""


def _conventional(environ: Mapping[str, str]) -> Iterator[_Given]:
    """What variables say that every client knows; lower case wins, as it does for Claude Code."""
    address, name = clients_upstream(environ)
    yield _Given("gateway.upstream", address, name, strict=True)
    # Claude Code uses the proxy for http:// where none is named for https://, so the gateway must too.
    plain = ("http_proxy", "HTTP_PROXY")
    value, name = _first(environ, "https_proxy", "HTTPS_PROXY", *plain)
    yield _Given("network.https_proxy", value, name, strict=True)
    value, name = _first(environ, *plain)
    yield _Given("network.http_proxy", value, name, strict=True)
    value, name = _first(environ, "no_proxy", "NO_PROXY")
    yield _Given("network.no_proxy", value, name, strict=True)
    roots = {
        variable: environ.get(variable, "").strip() for variable in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    }
    roots = {variable: path for variable, path in roots.items() if path}
    yield _Given("network.ca_files", tuple(roots.values()), " and ".join(roots), strict=True)
    for key, variable in CLIENT_CERTIFICATE.items():
        yield _Given(key, environ.get(variable, ""), variable, strict=True)


CLIENT_CERTIFICATE = {
    "network.client_cert": "CLAUDE_CODE_CLIENT_CERT",
    "network.client_key": "CLAUDE_CODE_CLIENT_KEY",
    "network.client_key_passphrase": "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
}
"""What Claude Code shows of itself to a server that demands it: the gateway must show the same."""

RUN_ADDRESS = "SEAWALL_RUN_ADDRESS"
RUN_UPSTREAM = "SEAWALL_RUN_UPSTREAM"


def clients_upstream(environ: Mapping[str, str]) -> tuple[str, str]:
    """The address that a client in this environment would use without Seawall, and the variable that says so.

    Inside `seawall run` the base address is our own gateway's; `run` left the one from before beside it.
    """
    value = environ.get("ANTHROPIC_BASE_URL", "").strip()
    if value and value.rstrip("/") == environ.get(RUN_ADDRESS, "").rstrip("/"):
        return environ.get(RUN_UPSTREAM, "").strip(), RUN_UPSTREAM
    return value, "ANTHROPIC_BASE_URL"


def settle(
    options: Mapping[str, object],
    environ: Mapping[str, str],
    user: Mapping[str, object],
    user_name: str,
    project: Mapping[str, object],
    project_name: str,
    fallback_lines: Sequence[int] = (),
) -> Loaded:
    """The settings that follow from all that was given; ConfigError for a wrong option or variable."""
    warnings: list[str] = []
    given: list[_Given] = []
    for name, value in options.items():
        if value is not None:
            key = ALIASES.get(name, name)
            given.append(
                _Given(key, value, f"option --{name.rsplit('.', 1)[-1].replace('_', '-')}", strict=True)
            )
    given += _from_environment(environ, warnings)
    tables: list[_Table] = []
    if "fallback" in user:
        tables += _tables(user["fallback"], user_name, fallback_lines, warnings)
        user = {name: value for name, value in user.items() if name != "fallback"}
    if "fallback" in project:
        warnings.append(f"{project_name}: a project may not set fallback; it is not used")
        project = {name: value for name, value in project.items() if name != "fallback"}
    for one in _flatten(project, project_name, "", warnings):
        if one.key.startswith(_NOT_FROM_PROJECTS):
            warnings.append(f"{project_name}: a project may not set {one.key}; it is not used")
        else:
            given.append(one)
    given += _flatten(user, user_name, "", warnings)
    given += (one for one in _conventional(environ) if one.value)
    values: dict[str, Value] = {}
    sources = dict.fromkeys(KEYS, "default")
    for one in given:
        if one.key in values:
            continue
        try:
            value = convert(one.key, one.value)
        except ConfigError as error:
            if one.strict:
                raise ConfigError(f"{one.source}: {error}") from None
            warnings.append(f"{one.source}: {error}; it is not used")
            continue
        values[one.key], sources[one.key] = value, one.source
    config = _finished(values, sources, warnings)
    return Loaded(_with_tables(config, tables, warnings), sources, warnings)


def _with_tables(config: Config, tables: list[_Table], warnings: list[str]) -> Config:
    """The settings with those fallbacks that a call may take, given everything else."""
    good: list[Fallback] = []
    for table in tables:
        try:
            check_fallback(table.fallback, config.gateway)
        except ConfigError as error:
            warnings.append(f"{table.where}: {error}; it is not used")
        else:
            good.append(table.fallback)
    return replace(config, fallback=tuple(good)) if good else config


def _finished(values: dict[str, Value], sources: dict[str, str], warnings: list[str]) -> Config:
    """The frozen settings, with what only shows once all are known."""
    config = cast("Config", _build(Config, "", values))
    own = sources["gateway.upstream"] in ("ANTHROPIC_BASE_URL", RUN_UPSTREAM)
    if own and is_own(config.gateway):
        warnings.append(f"ANTHROPIC_BASE_URL is this gateway's own address; {Gateway().upstream} is used")
        config = replace(config, gateway=replace(config.gateway, upstream=Gateway().upstream))
        sources["gateway.upstream"] = "default"
    elif own:
        config = replace(config, gateway=replace(config.gateway, upstream_is_clients=True))
    hold = config.gateway.hold
    if hold.retry_after_least > hold.retry_after_most:
        warnings.append("gateway.hold.retry_after_least is above retry_after_most; the defaults are used")
        usual = Hold()
        hold = replace(
            hold, retry_after_least=usual.retry_after_least, retry_after_most=usual.retry_after_most
        )
        config = replace(config, gateway=replace(config.gateway, hold=hold))
    return config


def _build(kind: type, prefix: str, values: Mapping[str, Value]) -> object:
    made: dict[str, object] = {}
    for one in fields(kind):
        key = f"{prefix}.{one.name}" if prefix else one.name
        if isinstance(one.type, type) and is_dataclass(one.type):
            made[one.name] = _build(one.type, key, values)
        elif key in values:
            made[one.name] = values[key]
    return kind(**made)


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the user's settings are when nobody names another file."""
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".config") / "seawall" / "config.toml"


def project_file(start: Path, home: Path) -> Path | None:
    """The nearest `.seawall.toml` of `start` and the folders above it, not beyond repository or home."""
    for folder in (start, *start.parents):
        candidate = folder / ".seawall.toml"
        try:
            if candidate.is_file():
                return candidate
            if (folder / ".git").exists():
                return None
        except OSError:
            return None
        if folder == home:
            return None
    return None


def load(
    options: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    user_file: Path | None,
    project_file: Path | None,
) -> Loaded:
    """The settings in force. `options` are by dotted key; None means not given.

    A file that cannot be used is a warning; a wrong option or variable is a ConfigError.
    """
    user, project = (read_file(path) if path else Content({}) for path in (user_file, project_file))
    warnings = [content.trouble for content in (user, project) if content.trouble]
    loaded = settle(
        options, environ, user.table, str(user_file), project.table, str(project_file), user.fallback_lines
    )
    return Loaded(loaded.config, loaded.sources, warnings + loaded.warnings)
