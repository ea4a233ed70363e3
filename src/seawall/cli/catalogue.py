"""The catalogue of causes, as `seawall explain` shows it: a cause's page, a table, a search."""

import json
import os
import time
from typing import TYPE_CHECKING

import click

from seawall.cli.common import Common, ExitCode, Failure
from seawall.cli.look import look_of, printed
from seawall.view.heading import heading

if TYPE_CHECKING:
    from seawall.causes.cause import Platform


def code_of(given: str) -> str | None:
    """The code that an argument means; None for a text. `Failure` for one that looks like a code and is none."""
    import re

    from seawall.causes.cause import Party, codes

    if given in codes():
        return given
    if given in _FORMER:
        return _FORMER[given]
    party, dot, _ = given.partition(".")
    if not dot or not re.fullmatch(r"[a-z]+\.[a-z0-9_]+", given) or party not in {*Party, "tls", "proxy"}:
        return None
    import difflib

    near = difflib.get_close_matches(given, codes(), n=3, cutoff=0.0)
    raise Failure(f"no cause {given!r}; the nearest are: {', '.join(near)}", ExitCode.USAGE)


_FORMER = {
    "provider.unavailable": "provider.service_unavailable",
    "provider.internal": "provider.internal_server_error",
    "provider.timeout": "provider.gateway_timeout",
    "provider.throttle": "provider.rate_limited_unspecified",
    "provider.stream_cut": "network.stream_truncated",
    "limit.session": "limit.usage_limit_reached",
    "limit.weekly": "limit.usage_limit_reached",
    "limit.model": "limit.usage_limit_reached",
    "limit.rate": "limit.rate_limited_requests",
    "limit.acceleration": "limit.rate_limited_acceleration",
    "limit.spend": "limit.spend_limit_reached",
    "limit.credits": "account.credit_exhausted",
    "limit.long_context": "account.long_context_not_enabled",
    "account.no_credential": "account.missing_credentials",
    "account.invalid_key": "account.invalid_api_key",
    "account.login_expired": "account.oauth_expired",
    "account.permission": "account.permission_denied",
    "account.region": "account.region_blocked",
    "account.disabled": "account.org_disabled",
    "request.too_long": "request.context_too_long",
    "request.too_large": "request.request_too_large",
    "request.malformed": "request.parameter_invalid",
    "request.tool_pairing": "request.tool_result_mismatch",
    "request.model_unknown": "request.model_not_found",
    "request.unsupported_field": "request.beta_header_invalid",
    "request.refused": "request.policy_refusal",
    "request.empty": "request.output_limit_exceeded",
    "network.dns": "network.dns_failure",
    "network.refused": "network.connection_refused",
    "network.reset": "network.connection_reset",
    "network.read_timeout": "network.client_timeout",
    "proxy.auth": "network.proxy_auth",
    "proxy.unreachable": "network.proxy_failed",
    "proxy.refused": "network.proxy_failed",
    "proxy.bad_url": "network.proxy_failed",
    "proxy.socks": "network.proxy_failed",
    "proxy.buffering": "network.proxy_buffering",
    "proxy.idle_cut": "network.proxy_idle_cut",
    "proxy.html_answer": "gateway.unexpected_response",
    "tls.intercepted": "network.tls_untrusted_ca",
    "tls.expired": "network.tls_expired",
    "tls.hostname": "network.tls_other",
    "tls.clock": "machine.clock",
    "tls.ca_file": "machine.ca_file",
    "tls.checking_off": "machine.tls_checking_off",
}
"""Short names that stand in texts about Seawall, and the codes that they mean."""


def page(common: Common, code: str) -> int:
    from seawall.causes.cause import load

    cause = load(code)
    if common.json:
        import msgspec

        whole = msgspec.to_builtins(cause)
        for ours in ("matchers", "examples"):
            del whole[ours]
        click.echo(json.dumps(heading("seawall.cause/1", time.time()) | {"cause": whole}))
    else:
        from seawall.view import explanation

        printed(explanation.page(cause, look_of(common), common.verbose, own_history(common, code), here()))
    return ExitCode.OK


def own_history(common: Common, code: str) -> str:
    """How long it lasts by one's own records, as a sentence; empty with too few of them."""
    from seawall.cli.common import load_settings
    from seawall.clock import duration
    from seawall.history.usual import usual

    seen = usual(code, load_settings(common, {}, os.environ).config.store)
    if seen is None or seen.p50 is None:
        return ""
    most = f", 9 of 10 {duration(seen.p90)}" if seen.p90 is not None else ""
    return f"Yours: half {duration(seen.p50)}{most} ({seen.count} episodes)."


def here() -> "frozenset[Platform]":
    """The platforms that this is."""
    from seawall.doctor.platform import platforms

    return platforms(os.environ)


def table(common: Common, party: str | None, words: str | None) -> int:
    from seawall.causes.cause import Party, codes, lookup

    if party and party not in set(Party):
        raise Failure(f"no party {party!r}; there are: {', '.join(Party)}", ExitCode.USAGE)
    chosen = [lookup(code) for code in codes() if not party or code.startswith(f"{party}.")]
    if words is not None:
        wanted = words.lower().split()
        if not wanted:
            raise Failure("there are no words to search for", ExitCode.USAGE)
        chosen = [short for short in chosen if _has(short.code, wanted)]
    if common.json:
        rows = [{"code": c.code, "title": c.title, "party": c.party, "retry": c.retry} for c in chosen]
        click.echo(json.dumps(heading("seawall.causes/1", time.time()) | {"causes": rows}))
        return ExitCode.OK
    if not chosen:
        common.say("no cause has all these words")
        return ExitCode.UNKNOWN
    from seawall.view import explanation

    printed(explanation.table(chosen, look_of(common)))
    return ExitCode.OK


def _has(code: str, wanted: list[str]) -> bool:
    from seawall.causes.cause import load

    cause = load(code)
    texts = [
        cause.code,
        cause.title,
        cause.meaning,
        cause.verify,
        *(one.text for one in cause.do),
        *(one.text for one in cause.wordings),
        *(one.ask for one in cause.questions),
        *(
            phrase
            for one in cause.matchers
            for phrase in (*one.said, *one.name, *one.type, *map(str, one.status))
        ),
    ]
    whole = "\n".join(texts).lower()
    return all(word in whole for word in wanted)
