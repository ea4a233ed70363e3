"""Whose a key is, by the beginning that its vendor publishes; and keys of other vendors in the place of Claude's."""

import re
from collections.abc import Iterator

VENDORS = (
    ("sk-or-v1-", "an OpenRouter key"),
    ("sk-proj-", "an OpenAI key"),
    ("sk-svcacct-", "an OpenAI key"),
    ("sk-admin-", "an OpenAI key"),
    ("AIza", "a Google key"),
    ("ya29.", "a Google token"),
    ("AKIA", "an AWS access key"),
    ("ASIA", "an AWS access key"),
    ("ABIA", "an AWS access key"),
    ("ACCA", "an AWS access key"),
    ("ABSK", "an Amazon Bedrock key"),
    ("bedrock-api-key-", "an Amazon Bedrock key"),
    ("gsk_", "a Groq key"),
    ("xai-", "an xAI key"),
    ("hf_", "a Hugging Face token"),
    ("pplx-", "a Perplexity key"),
    ("r8_", "a Replicate token"),
    ("fw_", "a Fireworks key"),
    ("tgp_", "a Together key"),
    ("csk-", "a Cerebras key"),
    ("nvapi-", "an NVIDIA key"),
    ("dapi", "a Databricks token"),
    ("sk_live_", "a Stripe key"),
    ("rk_live_", "a Stripe key"),
    ("npm_", "an npm token"),
    ("ghp_", "a GitHub token"),
    ("gho_", "a GitHub token"),
    ("ghs_", "a GitHub token"),
    ("github_pat_", "a GitHub token"),
    ("glpat-", "a GitLab token"),
    ("xoxb-", "a Slack token"),
    ("xoxp-", "a Slack token"),
)
"""Beginnings that vendors publish (scanners' rules, July 2026); the longest of a family first."""

_TAIL = r"(?:[\w.+/=~-]{8,}|[\w-]{0,12}(?:\*{3,}|\.{3}|…|<redacted>|\[redacted\]))"
"""What stands behind a beginning in a text: the key, or what somebody left of it."""
_KEY = re.compile(
    rf"(?=[{''.join(sorted({prefix[0] for prefix, _ in VENDORS}))}])(?<![A-Za-z0-9_-])"
    rf"(?:({'|'.join(re.escape(prefix) for prefix, _ in VENDORS)})|(sk-)(?!ant|[a-z]{{2,8}}-)(?=\w)){_TAIL}"
)
_NAMED = re.compile(r"(?i)api[_-]key|auth[_-]token")
"""A part of each of their names, which most texts do not have."""
_CLAUDES = re.compile(
    r"(?i)(?:anthropic[_-](?:api[_-]key|auth[_-]token)|x-api-key|claude_api_key)\W{0,3}[:=]\W{0,4}$"
)
"""What stands before the key that Claude is called with."""
_ANOTHERS = re.compile(r"(?i)[a-z0-9]{2,}_(?:api_?)?(?:key|token|secret)\W{0,3}[:=]\W{0,4}$")
"""What stands before a key that has a name of its own, such as another vendor's variable."""
_REACH = 40


def misplaced(text: str) -> tuple[str, str] | None:
    """Another vendor's prefix and what it begins, of a key that stands in the place of Claude's."""
    if not _NAMED.search(text):
        return None
    return next((known for known, before in _keys(text) if _CLAUDES.search(before)), None)


def another(text: str) -> tuple[str, str] | None:
    """The same of a key that may be the one Claude was called with: no key of Claude's, and no other name, is there."""
    if found := misplaced(text):
        return found
    if "sk-ant-" in text:
        return None
    return next((known for known, before in _keys(text) if not _ANOTHERS.search(before)), None)


def _keys(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Each key of another vendor, and what stands before it."""
    for found in _KEY.finditer(text):
        prefix = found[1] or found[2]
        said = next((said for known, said in VENDORS if known == prefix), "a key of another vendor")
        yield (prefix, said), text[max(0, found.start() - _REACH) : found.start()]
