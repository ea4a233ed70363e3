"""Forty kinds of secrets, made anew for each run of the tests, and a look for any twelve characters of one."""

import base64
import random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

RUN = 12
"""So many characters in a row of a secret are one too many."""
_LETTERS = string.ascii_letters + string.digits
_URL = _LETTERS + "-_"
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class Canary:
    """One secret: what everybody may know of it, and the rest."""

    kind: str
    prefix: str
    body: str

    @property
    def text(self) -> str:
        return self.prefix + self.body


def made(seed: int = 529) -> list[Canary]:
    """One of each kind, without a stretch that two of them share."""
    rng = random.Random(seed)

    def of(alphabet: str, length: int) -> str:
        return "".join(rng.choice(alphabet) for _ in range(length))

    def key() -> str:
        return of(_LETTERS, 2) + of(_URL, 89) + of(_LETTERS, 2) + "AA"

    found = [
        Canary("Claude API key", "sk-ant-api03-", key()),
        Canary("Claude admin key", "sk-ant-admin01-", key()),
        Canary("Claude login token", "sk-ant-oat01-", key()),
        Canary("Claude refresh token", "sk-ant-ort01-", key()),
        Canary("Claude session", "sk-ant-sid01-", key()),
        Canary("Claude compliance key", "sk-ant-api01-", of(_LETTERS, 48)),
        Canary("Claude key of an unknown kind", "sk-ant-", of(_LETTERS, 40)),
        Canary("OpenAI project key", "sk-proj-", of(_URL, 72) + "T3BlbkFJ" + of(_LETTERS, 74)),
        Canary("OpenAI service key", "sk-svcacct-", of(_LETTERS, 74)),
        Canary("OpenAI admin key", "sk-admin-", of(_LETTERS, 74)),
        Canary("OpenAI old key", "sk-", of(_LETTERS, 48)),
        Canary("OpenRouter key", "sk-or-v1-", of(_HEX, 64)),
        Canary("DeepSeek key", "sk-", of(_HEX, 32)),
        Canary("Google API key", "AIza", of(_URL, 33) + of(_LETTERS, 2)),
        Canary("Google token", "ya29.", of(_URL, 80)),
        Canary("AWS key id", "AKIA", of(_UPPER, 16)),
        Canary("AWS session key id", "ASIA", of(_UPPER, 16)),
        Canary("AWS secret key", "", of(_LETTERS, 18) + "/" + of(_LETTERS, 21)),
        Canary("AWS session token", "", base64.b64encode(rng.randbytes(180)).decode()),
        Canary("Bedrock key", "ABSK", of(_LETTERS, 120)),
        Canary("Bedrock short key", "bedrock-api-key-", of(_LETTERS, 120)),
        Canary("xAI key", "xai-", of(_LETTERS, 80)),
        Canary("Groq key", "gsk_", of(_LETTERS, 52)),
        Canary("Hugging Face token", "hf_", of(_LETTERS, 34)),
        Canary("Perplexity key", "pplx-", of(_LETTERS, 48)),
        Canary("Azure client secret", "", of(_LETTERS, 3) + "8Q~" + of(_LETTERS, 31)),
        Canary("Cohere key", "", of(_LETTERS, 40)),
        Canary("GitHub token", "ghp_", of(_LETTERS, 36)),
        Canary("GitHub fine token", "github_pat_", of(_LETTERS, 22) + "_" + of(_LETTERS, 59)),
        Canary("GitLab token", "glpat-", of(_LETTERS, 20)),
        Canary("Slack bot token", "xoxb-", f"{of(string.digits, 12)}-{of(string.digits, 12)}-{of(_LETTERS, 24)}"),
        Canary("Slack app token", "xapp-1-", f"A{of(_UPPER, 10)}-{of(string.digits, 13)}-{of(_HEX, 64)}"),
        Canary("npm token", "npm_", of(_LETTERS, 36)),
        Canary("PyPI token", "pypi-", of(_URL, 120)),
        Canary("Stripe key", "sk_live_", of(_LETTERS, 60)),
        Canary("DigitalOcean token", "dop_v1_", of(_HEX, 64)),
        Canary("web token", "eyJhbGciOiJIUzI1NiJ9.", f"{of(_URL, 60)}.{of(_URL, 42)}x"),
        Canary("private key", "", _pem(rng)),
        Canary("password of a proxy", "", of(_LETTERS, 24)),
        Canary("user and password in Base64", "", base64.b64encode(f"ann:{of(_LETTERS, 30)}".encode()).decode()),
        Canary("token of a gateway's team", "", of(_LETTERS, 43)),
        Canary("address of a webhook", "", f"{of(_LETTERS, 9)}/{of(_LETTERS, 11)}/{of(_LETTERS, 24)}"),
    ]  # fmt: skip
    assert len(found) >= 40
    return found


def _pem(rng: random.Random) -> str:
    """The inside of a private key, without its frame, in one line."""
    return base64.b64encode(rng.randbytes(120)).decode()


def framed(one: Canary) -> str:
    """The secret as people meet it in a text of its own."""
    if one.kind == "private key":
        lines = "\n".join(one.text[at : at + 64] for at in range(0, len(one.text), 64))
        return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
    if one.kind == "password of a proxy":
        return f"http://ann:{one.text}@proxy.example:8080"
    if one.kind == "user and password in Base64":
        return f"Authorization: Basic {one.text}"
    if one.kind == "address of a webhook":
        return f"webhook_token={one.text}"
    if one.kind == "AWS session token":
        return f"AWS_SESSION_TOKEN={one.text}"
    return one.text


class Watchman:
    """Knows every stretch of every secret, and finds one in any output."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._known: dict[bytes, str] = {}
        for one in canaries:
            body = one.body.encode()
            for at in range(len(body) - RUN + 1):
                self._known[body[at : at + RUN]] = one.kind

    def finds(self, output: bytes) -> list[tuple[str, str]]:
        """The kinds that are in it, each with what stands around the first find."""
        found: dict[str, str] = {}
        for at in range(len(output) - RUN + 1):
            kind = self._known.get(output[at : at + RUN])
            if kind is not None and kind not in found:
                found[kind] = output[max(0, at - 60) : at + 30].decode("utf-8", "replace")
        return list(found.items())

    def look(self, outputs: Mapping[str, bytes]) -> list[str]:
        """A line for each find: where, which kind, and around it."""
        return [
            f"{name}: {kind}: ...{near!r}"
            for name, data in outputs.items()
            for kind, near in self.finds(data)
        ]


def files_below(*folders: Path, but: Iterable[Path] = ()) -> dict[str, bytes]:
    """Everything that was written there, except what the test put there itself."""
    own = {path.resolve() for path in but}
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.resolve() not in own:
                found[str(path)] = path.read_bytes() + b"\n" + str(path).encode()
    return found
