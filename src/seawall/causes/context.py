"""Whose text it is: a Claude call's, another vendor's, or another program's."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from seawall.causes.extract import Facts
from seawall.causes.languages import api_error, foreign


class _Pattern:
    """A pattern, and signs of which one stands in whatever it fits: looked for first, that is ten times as fast."""

    def __init__(self, signs: Iterable[str], pattern: str) -> None:
        self._signs = tuple(signs)
        self._pattern = re.compile(pattern)

    def search(self, text: str) -> re.Match[str] | None:
        return self._pattern.search(text) if holds(text, self._signs) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self._pattern.finditer(text) if holds(text, self._signs) else iter(())


def holds(text: str, signs: Iterable[str]) -> bool:
    """Whether one of the signs stands in the text."""
    for sign in signs:  # noqa: SIM110  twice as fast as any()
        if sign in text:
            return True
    return False


_CLAUDE = (
    "run /login",
    "claude", "anthropic", "bedrock", "overloaded_error", "v1/messages", "invokemodel", "invokeagent", "conversestream",
    "inferenceconfig", "toolspec", "pretooluse", "posttooluse",
    "stopfailure",  # its hook
    "$bunfs/", "~bun/",  # what the native build of Claude Code calls its own files
)  # fmt: skip
"""Any of these in a text: it is about a Claude call, or about Claude Code."""
_MODELS = frozenset(("opus", "sonnet", "haiku"))
_OUR_MODEL = re.compile(r"claude(?:-|_| )(?:v?\d|instant|opus|sonnet|haiku|fable|mythos)")
_ENVELOPE = ("type:error,error:", "x-api-key")
_TURNED = _Pattern(
    ("error:{",),
    r"error:\{[^{}]{0,400}\},type:error\}|error:\{(?:details:(?:null|none),)?type:[a-z_]{3,40}_error,message:",
)
"""The API's envelope in the order of the alphabet, as relays write it, and the inside of it alone."""
_CLAUDE_CODE = re.compile(r"api error(?<!\[api error)(?:: (?:\d{3}(?!\d)|[a-z])| \()")
"""How Claude Code begins. Google's command line says the same in brackets."""

_PLACE = _Pattern(("messages.", "tools.", "system."), r"(?<![a-z0-9])(?:messages|tools|system)\.\d{1,4}\.")
"""How the API names the place of a fault in a request."""

_OTHER_NAMES = (
    "openai", "gemini", "ollama", "deepseek", "mistral", "qwen", "moonshot", "dashscope", "huggingface", "bigmodel",
    "siliconflow", "generativelanguage", "type.googleapis.com", "aiplatform.googleapis.com", "google.rpc", "groq",
    "generate content api", "generatecontent", "openrouter", "provider returned error", "/v1/responses", "chatgpt",
    "perplexity", "githubcopilot", "generativeai",
    "stability.ai", "together.error", "together_ai", "together.ai", "together.xyz",
    "in organization org-", "(tpm)", "(rpm)", "(tpd)", "(rpd)",  # how OpenAI and Groq speak of limits
    "max_new_tokens", "exceed_context_size", "available context size",  # servers of models on one's own machine
    "content management policy",  # Azure
    "service tier capacity exceeded", "api error occurred: status",  # Mistral
)  # fmt: skip
_OTHER_WORDS = frozenset((
    "xai", "grok", "cohere", "cohereexception", "kimi", "zhipu", "glm", "bailian", "doubao",
    "volcengine", "ernie", "qianfan", "minimax", "cerebras", "fireworks", "togetherai", "nvidia",
    "vllm", "llamacpp", "lmstudio", "codestral", "palm", "sambanova", "hunyuan", "novita",
    "deepinfra", "elevenlabs", "dalle", "whisper", "davinci", "gemma", "llama", "llama2", "llama3",
    "provider_name", "http_code", "bad_request_error", "n_ctx",
    "codex", "copilot", "windsurf", "codeium", "sglang", "lmdeploy", "xinference", "koboldcpp", "exllama", "tabbyapi",
    "baichuan", "modelscope", "sensenova", "replicate", "stepfun", "watsonx", "ai21", "voyage", "azureexception",
))  # fmt: skip
_FOREIGN = frozenset((
    "postgres", "postgresql", "psycopg2", "psycopg", "pg", "mysql", "mariadb", "redis", "ioredis",
    "mongodb", "mongo", "mongoose", "sqlite", "sqlalchemy", "prisma", "kafka", "rabbitmq",
    "elasticsearch", "opensearch", "docker", "dockerd", "containerd", "kubectl", "kubelet",
    "kubernetes", "helm", "git", "github", "gitlab", "bitbucket", "publickey", "ssh", "sshd", "scp",
    "kex_exchange_identification", "rsync", "smtp", "imap", "ldap", "django",
    "flask", "rails", "laravel", "symfony", "composer",
    "gradle", "maven", "cargo", "rustc", "gcc", "clang", "cmake", "makefile", "dpkg", "yum", "dnf",
    "brew", "homebrew", "pip", "pypi", "poetry", "conda", "bower", "yarn", "pnpm", "webpack",
    "vite", "rollup", "nextjs", "nuxt", "angular", "selenium", "playwright", "puppeteer",
    "goto", "locator", "webdriver", "chromedriver", "adb",
    "android", "xcode", "swift", "cuda", "torch", "pytorch", "tensorflow",
    "keras", "slack", "discord", "telegram", "twitter", "stripe", "twilio", "terraform", "ansible",
    "jenkins", "systemd", "kernel", "minecraft", "unity", "wordpress", "wp", "jdbc", "hibernate",
    "spring", "springframework", "tomcat", "ffmpeg", "opencv", "numpy", "pandas", "scipy",
    "az", "heroku", "vercel", "netlify", "firebase", "supabase", "okta", "auth0", "salesforce", "shopify", "paypal",
    "sklearn", "jupyter", "spark", "hadoop", "airflow", "celery", "nats", "consul", "etcd", "vault",
    "prometheus", "grafana", "nix", "apt", "rpm", "steam", "wine", "usb", "gpu", "firmware",
    "bluetooth", "printer", "comfyui", "vmware", "virtualbox", "qemu", "hyperv", "traceroute", "nslookup",
))  # fmt: skip
"""Words of other trades: what is said beside them is not about a Claude call, unless the text names one."""
_OTHER_MODEL = _Pattern(
    ("gpt", "o1-", "o3-", "o4-", "text-", "glm-", "llama", "mixtral", "grok-", "kimi-", "command-r"),
    r"(?<![a-z0-9])(?:gpt-?[345o][\w.-]{0,20}|o[134]-(?:mini|preview|pro)|text-(?:embedding|davinci)-[\w-]{1,20}"
    r"|glm-\d|llama-?\d|mixtral|grok-\d|kimi-|command-r)",
)
_SHAPED = ("code:", "param:", "object:error", "connecterror:[", "[apierror:")
"""One of these stands in whatever one of the shapes fits; most texts have none."""
_SHAPES = tuple(
    map(
        re.compile,
        (
            r"code:\d{3},(?:message:.{0,400}?,)?status:[a-z]",
            r"param:(?:null|none)[,}]",
            r"type:[a-z_]{3,40},param:[^,}]{1,80},code:[a-z_]",
            r"code:1[1-5]\d\d,message:",
            r"object:error,",
            r"connecterror:\[[a-z_]{4,30}\]",
            r"\A\[apierror:\[?\{(?!type:error)",
        ),
    )
)
"""Google's envelope has a number and a word beside the message, and its command line puts brackets around it;
OpenAI's has a `param`, vLLM's an `object`; Zhipu's codes have four digits; editors with models of their own speak
Connect, which puts a word into brackets."""
_FOREIGN_PORT = re.compile(
    r":(?:22|25|389|1433|1521|2375|2376|3306|5432|5672|6379|9092|9200|11211|27017|50051)(?!\d)"
)
_FOREIGN_SCHEME = _Pattern(
    (
        "ws://",
        "wss://",
        "amqp",
        "redis",
        "postgres",
        "mongodb",
        "mysql",
        "smtp",
        "ftp://",
        "ssh://",
        "ldap",
        "mqtt",
    ),
    r"(?<![a-z])(?:wss?|amqps?|rediss?|postgres(?:ql)?|mongodb(?:\+srv)?|mysql|smtps?|s?ftp|ssh|ldaps?|mqtts?)://",
)
"""Databases, queues, mail, remote shells."""
_OWN_STACK = re.compile(
    r"at (?<![a-z0-9]at )(?:async )?[\w.<>$ ]{1,60} \((?!node:|native|unknown|<anonymous>|internal/|index [0-9])"
)
"""A line of a JavaScript program's own, not of its engine."""
_RAISED_END = r"\.\w{0,40}(?:error|exception|refused|timeout|timedout|disconnected):"
_MAY_BE_RAISED = re.compile(_RAISED_END)
_RAISED = re.compile(
    r"(?<![\w./@$-])(?!(?:ai|aiohttp|anthropic|anyio|asyncio|boto3|botocore|builtins|com|concurrent|curl_cffi|dev|e|err"
    r"|errors?|exceptions?|google|grpc|h2|h11|http|httpcore|httpx|io|java|javax|json|kotlinx?|lang[a-z_]+|litellm"
    r"|llama_index|mcp|net|node|okhttp3?|openai|org|pycurl|pydantic[a-z_]*|reactor|requests|response|self|software"
    r"|socket|ssl|sun|system|tenacity|this|urllib3?|web|websockets)\.)"
    rf"[a-z_]\w{{1,40}}(?:\.\w{{1,40}}){{0,4}}{_RAISED_END}"
)
"""A Python exception of a library that neither speaks HTTP nor to a model."""
_LOOKED_UP = _Pattern(
    ("enotfound", "eai_again", "resolve host", "lookup"),
    r"(?:enotfound|eai_again|resolve host:?|(?<=[a-z] )lookup) ([a-z0-9][a-z0-9.-]{0,80})",
)
"""The name that an error of name resolution is about, if it says so."""
_ADDRESS = _Pattern(
    ("://", "host='"),
    r"(?:http(?<![a-z]http)s?://((?!localhost|127\.|0\.0\.0\.0|\[::1)[a-z0-9][a-z0-9.-]{0,80})(?=[:/])"
    r"|host='(?<![a-z]host=')((?!localhost|127\.)[a-z0-9][a-z0-9.-]{0,80}))",
)
"""A machine in an address, or as Python's `requests` names it; machines of networks at home have no domain."""
_SERVED = _Pattern(
    (" http/", "with url: /"),
    r"\"(?:get|post|put|patch|delete|head|options) /(?!v1/messages)[^\" ]{0,200} http/[12]"
    r"|exceeded with url: /(?!v1/|[^ ]{0,200}(?:messages|claude|completions|invoke|converse))",
)
"""A line of a web server's own log, and what Python's `requests` asked for; neither is a message to Claude."""
_FETCHED = _Pattern(
    ("http://", "https://"),
    r"(?<![a-z])(?:method: ?\"?get\"?,? ?url: ?|get )\"?https?://([a-z0-9][a-z0-9.-]{0,80})/(?!v1/|[^ ]{0,200}/v1/)",
)
"""What was only read from somewhere; a call to Claude is a POST."""
_AWS = re.compile(
    r"when calling the (?!invoke(?:model|agent|inlineagent|flow)|retrieveandgenerate|converse|count|startasyncinvoke"
    r"|get(?:caller|role|session)|assume)[a-z]{3,60} operation"
)
"""Calls to Amazon that are neither for a model nor for the credentials of such a call."""
_FOREIGN_SAYS = (
    "unable to connect to the server:",  # kubectl
    "server closed the connection unexpectedly", "terminating connection due to",  # PostgreSQL
    "secondary rate limit",  # GitHub
    "pull rate limit",  # registries of images
    "task timed out after",  # Lambda
    "exception during processing !!!",  # ComfyUI
    "java.net.", "javax.net.", "java.io.", "system.net.sockets",  # Java and .NET: few of their programs ask Claude
    "token has been expired or revoked",  # Google's own OAuth
)  # fmt: skip
_RESOLD = re.compile(r"model: [^:]{0,60}claude[^:]{0,60} provider: openai ")
"""How editors name a model that they reach at another address than Anthropic's."""
_ANOTHER_BODY = re.compile(r"apierror:\d{3}\{detail:(?!.{0,80}type:error)")
"""Claude Code shows the body as it came; this one is of a web framework."""
_HELP = frozenset(("curl.se", "curl.haxx.se", "developer.mozilla.org", "httpstatuses.com"))
"""Where programs send people to read about what broke: no host that anybody asked."""
_OUR_HOSTS = re.compile(r"anthropic|claude|bedrock|amazonaws|aiplatform")


class Context:
    """What a text is about, looked at only as far as somebody asks."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @cached_property
    def claude(self) -> bool:
        """Whether something in the text shows a Claude call or Claude Code."""
        flat = self._facts.flat
        return bool(
            holds(flat, _CLAUDE)
            or not _MODELS.isdisjoint(self._facts.whole.words)
            or holds(self._facts.whole.glued, _ENVELOPE)
            or _TURNED.search(self._facts.whole.glued)
            or _CLAUDE_CODE.search(flat)
            or _PLACE.search(flat)
            or 529 in self._facts.whole.statuses  # nobody else answers so
            or (self._facts.whole.statuses and foreign(flat, self._facts.whole.words) and api_error(flat))
        )

    @cached_property
    def service(self) -> bool:
        """Whether it shows the service itself or one of its models, not only a client that can speak to others too."""
        flat = self._facts.flat
        return bool(
            "anthropic" in flat
            or "bedrock" in flat
            or "stopfailure" in flat
            or ("type:error,error:" in self._facts.whole.glued and "http_code" not in flat)
            or not _MODELS.isdisjoint(self._facts.whole.words)
            or _OUR_MODEL.search(flat)
        )

    @cached_property
    def other(self) -> bool:
        """Whether it names another vendor of models, or has the shape of that vendor's errors."""
        flat = self._facts.flat
        return bool(
            holds(flat, _OTHER_NAMES)
            or not _OTHER_WORDS.isdisjoint(self._facts.whole.words)
            or _OTHER_MODEL.search(flat)
            or (
                holds(self._facts.whole.glued, _SHAPED)
                and any(shape.search(self._facts.whole.glued) for shape in _SHAPES)
            )
        )

    @cached_property
    def relayed(self) -> bool:
        """Whether Claude was asked for, and somebody answered who does not speak as Claude does: a relay."""
        return bool(_RESOLD.search(self._facts.flat) or _ANOTHER_BODY.search(self._facts.whole.glued))

    @cached_property
    def foreign(self) -> bool:
        """Whether it names another trade, another host, or lines of another program."""
        facts = self._facts
        return bool(
            not _FOREIGN.isdisjoint(facts.whole.words)
            or _FOREIGN_PORT.search(facts.flat)
            or _FOREIGN_SCHEME.search(facts.flat)
            or any(not (_OUR_HOSTS.search(host) or host in _HELP) for host in facts.hosts)
            or any(
                not (ours(name) or name in _HELP)
                for name in (host[1] or host[2] for host in _ADDRESS.finditer(facts.flat))
            )
            or holds(facts.flat, _FOREIGN_SAYS)
            or _AWS.search(facts.flat)
            or _SERVED.search(facts.flat)
            or _OWN_STACK.search(facts.flat)
            or (_MAY_BE_RAISED.search(facts.flat) and _RAISED.search(facts.flat))
            or any(not ours(name[1]) for name in _LOOKED_UP.finditer(facts.flat))
        )

    @cached_property
    def fetched(self) -> bool:
        """Whether what failed is that something was read from another host, whatever its path says of Claude."""
        return any(not ours(host[1]) for host in _FETCHED.finditer(self._facts.flat))


def ours(host: str) -> bool:
    """Whether a host may be where Claude calls go to."""
    return bool(_OUR_HOSTS.search(host))
