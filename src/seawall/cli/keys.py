"""The keys of addresses that calls fall back to: from the environment or the system's keyring, into memory only."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from seawall.config import Config, Fallback
from seawall.upstream.elsewhere import SUBSCRIPTION

_KEY = re.compile(r"[!-~]{1,4096}")


def fallback_keys(config: Config, environ: Mapping[str, str]) -> tuple[dict[int, str], list[str]]:
    """The key of each `[[fallback]]` with another address, by its place from 0, and why others have none.

    The sentences never hold a key. A keyring may ask its user for a password: this can take a while.
    """
    keys: dict[int, str] = {}
    problems: list[str] = []
    for number, fallback in enumerate(config.fallback):
        if not fallback.upstream:
            continue
        key, why = _key(fallback, environ)
        if not why and not _KEY.fullmatch(key):
            why = "its key has a blank or another sign in it that no key has"
        if not why and key.startswith(SUBSCRIPTION.decode()):
            why = "its key is the token of a claude.ai login, which is only for its own client's requests"
        if why:
            problems.append(f"[[fallback]] {number + 1} is not used: {why}")
        else:
            keys[number] = key
    return keys, problems


def missing(config: Config, environ: Mapping[str, str]) -> list[str]:
    """Why addresses whose keys `environ` must bring will not be used; a keyring is left to the gateway to ask."""
    known = tuple(replace(one, upstream="") if one.key_keyring else one for one in config.fallback)
    return fallback_keys(replace(config, fallback=known), environ)[1]


def _key(fallback: Fallback, environ: Mapping[str, str]) -> tuple[str, str]:
    """The key, or why there is none."""
    if fallback.key_env:
        key = environ.get(fallback.key_env, "").strip()
        return key, "" if key else f"the variable {fallback.key_env} is not set in the gateway's environment"
    try:
        keyring = import_module("keyring")  # not ours to require: few have one, and it brings much
    except ImportError:
        return (
            "",
            "key_keyring needs the Python package `keyring`, which is not installed; key_env does without",
        )
    service, _, user = fallback.key_keyring.partition("/")
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # each system's keyring fails in its own ways
        return "", f"the keyring does not answer ({type(error).__name__})"
    return (found or "").strip(), "" if found else f"the keyring has nothing for {fallback.key_keyring}"
