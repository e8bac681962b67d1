"""Likely secrets: found by linear-time patterns, replaced before a text is shown. Values are never kept."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from archfb.repository.patterns import regex
from archfb.repository.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Files that are keys or hold nothing but credentials: known by name, never by content.
_NEVER_NAME = regex(
    r"^(?:\.env(?:[.-].*|rc)?|.*\.env|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.netrc|_netrc"
    r"|\.pgpass|\.htpasswd|\.git-credentials"
    r"|\.pypirc|\.npmrc|\.yarnrc|\.dockercfg|\.boto|\.s3cfg|credentials(?:\.(?:json|csv|ini"
    r"|ya?ml))?|client_secrets?.*\.json"
    r"|service[-_]?account.*\.json|secrets?\.(?:ya?ml|json|toml|ini|env|properties)|master\.key|kubeconfig"
    r"|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|pgp|ovpn|mobileprovision|tfstate(?:\.backup)?))$",
    re.IGNORECASE | re.DOTALL,
)
_NEVER_FOLDER = ("/.ssh/", "/.aws/", "/.gnupg/", "/.docker/", "/.kube/")
# A name that could match has one of these; asking so first is several times faster.
_TELLING = (
    ".env",
    "id_",
    "rc",
    "pass",
    "cred",
    "secret",
    "account",
    ".key",
    "kubeconfig",
    ".pem",
    ".p12",
    ".pfx",
    ".jks",
    "keystore",
    ".kdbx",
    ".ppk",
    ".gpg",
    ".pgp",
    ".ovpn",
    "provision",
    "tfstate",
    "boto",
    ".dockercfg",
    ".s3cfg",
)


def never_sent(path: str, allow: Sequence[str] = ()) -> bool:
    """Return whether a file's content never leaves the process; `allow` are globs that override it."""
    at = path.rfind("/") + 1
    told = _named_never(path[at:])
    if not told and not ("/." in path[:at] or path[:1] == "."):
        return False
    return (told or any(folder in "/" + path[:at] for folder in _NEVER_FOLDER)) and not allowed(path, allow)


@lru_cache(maxsize=8192)
def _named_never(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _TELLING) and _NEVER_NAME.match(lowered) is not None


def allowed(path: str, allow: Sequence[str]) -> bool:
    """Return whether a glob names the path, whole or by its last part."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(name, glob) for glob in allow)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    """Compile a rule when a text has one of its words: starting up pays for none."""
    return re.compile(source)


class _Rule(Record):
    name: str
    words: tuple[str, ...]  # one of them is in every text that the pattern can match
    source: str
    group: int = 0

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.source)


def _rule(name: str, words: str, pattern: str, group: int = 0) -> _Rule:
    return _Rule(name, tuple(words.split()), pattern, group)


# Every repetition is bounded or over a class that excludes what follows it, so that each pattern takes linear time.
_RULES = (
    _rule(
        "private-key",
        "PRIVATE",
        (
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-]{0,20000})(?:-----END [A-Z0-"
            r"9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    _rule(
        "aws-access-key", "AKIA ASIA ABIA ACCA", r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    ),
    _rule(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    _rule("gitlab-token", "glpat- glptt- gldt- glrt-", r"\bgl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{20,64}"),
    _rule("slack-token", "xox xapp-", r"\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250})"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,100}"),
    _rule("google-api-key", "AIza", r"\bAIza[A-Za-z0-9_-]{35}"),
    _rule("google-oauth", "GOCSPX- ya29.", r"\b(?:GOCSPX-[A-Za-z0-9_-]{20,60}|ya29\.[A-Za-z0-9_-]{20,300})"),
    _rule(
        "stripe-key",
        "k_live_ k_test_ whsec_",
        r"\b(?:[rs]k_(?:live|test)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9+/=]{24,100})",
    ),
    _rule(
        "model-api-key",
        "sk- xai- gsk_ pplx-",
        r"\b(?:sk-[A-Za-z0-9_-]{20,250}|xai-[A-Za-z0-9]{40,100}|gsk_[A-Za-z0-9]{40,100}|pplx-[A-Za-z0-9]{40,100})",
    ),
    _rule(
        "registry-token",
        "npm_ pypi-AgE rubygems_ dckr_pat_",
        (
            r"\b(?:npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,500}|rubygems_[0-9a-f]{48}"
            r"|dckr_pat_[A-Za-z0-9_-]{20,60})"
        ),
    ),
    _rule("hugging-face-token", "hf_", r"\bhf_[A-Za-z0-9]{30,60}"),
    _rule("sendgrid-key", "SG.", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    _rule(
        "platform-token",
        "dop_v1_ doo_v1_ shpat_ shpss_ shppa_ shpca_ dapi lin_api_ PMAK- hvs. dp.pt. atlasv1. AGE-SECRET-KEY-1",
        (
            r"\b(?:do[op]_v1_[0-9a-f]{64}|shp(?:at|ss|pa|ca)_[0-9a-fA-F]{32}|dapi[0-9a-f]{32}"
            r"|lin_api_[A-Za-z0-9]{30,60}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|hvs\.[A-Za-z0-9_-]{24,200}"
            r"|dp\.pt\.[A-Za-z0-9]{40,50}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,80}"
            r"|AGE-SECRET-KEY-1[A-Z0-9]{50,60})"
        ),
    ),
    _rule("telegram-token", ":AA", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    _rule(
        "azure-key",
        "AccountKey= SharedAccessKey=",
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}={0,2})",
        1,
    ),
    _rule("json-web-token", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"),
    _rule("password-in-url", "://", r"://[^\s/:@\"'<>{}$]{1,80}:([^\s/:@\"'<>{}$]{3,100})@[A-Za-z0-9\[]", 1),
    _rule(
        "bearer-token", "Bearer bearer BEARER", r"[Bb](?:earer|EARER)(?<=\b.{6}) ([A-Za-z0-9_.~+/-]{24,1000}=*)", 1
    ),
)
_IN_SENTENCES = frozenset({"private-key", "password-in-url", "bearer-token"})
_SHORTEST = 15  # bytes of what any other rule knows, all of them in one word of these signs
_SIGNS = b"+-./:=_~"
_IN_WORDS = bytes(char if char > 127 or chr(char).isalnum() or char in _SIGNS else 32 for char in range(256))
# One of these stands in every name that `_ASSIGNED` knows, whatever its case.
_WORDS = ("passw", "passphrase", "secret", "token", "credential", "api", "private", "access", "auth")
_KEYS = ("_key", "-key", "ikey", "ekey", "skey", "hkey")
_ASSIGNED = (
    r"(?im)(?P<key>(?:passw(?:or)?d|passwd|passphrase|secret|token|api[_-]?key|credential"
    r"|private[_-]?key|access[_-]?key|auth[_-]?key)s?"
    r"(?:[_-]?(?:key|id|value|base|hash|string|access))?)[\"'\]]{0,2}[ \t]{0,8}(?::=|=>|[:=])[ \t]{0,8}"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\"'`\s]{8,200})(?P=quote)"
    r"|(?P<bare>[A-Za-z0-9+/=_.~!@#$%^&*-]{8,200})(?=\s*$))"
)
_GUESSED = "assigned-secret"
_CONFIGURATION = regex(
    r"(?:\.(?:properties|ini|cfg|conf|ya?ml|toml|env|sh|bash|tfvars|json|xml|config)|Dockerfile[^/]*|rc)$"
)
_PLACEHOLDER = (
    r"(?i)[<>{}()\[\]]|^\$\w|\$[{(]|%[A-Za-z(]|example|sample|dummy|fake|placeholder|change[-_]?me"
    r"|your[-_]|x{4}|\*{3}|\.{3}|redacted|foo|bar|test|secret"
    r"|passw|token|null|none|true|false|undefined|lorem|default|process\.env|os\.environ|^https?:"
    r"|^[a-z]+(?:[._/-][a-z]+)*$|^[A-Z]+(?:_[A-Z]+)*$|^\d+$"
)


class Hit(Record):
    """A likely secret in a text: from, to (characters), by which rule."""

    start: int
    end: int
    rule: str


def find(text: str, path: str = "") -> list[Hit]:
    """Return the likely secrets of a text, in order, not overlapping."""
    hits = list(_known(text))
    hits += _assigned(text, bare=_CONFIGURATION.search(path) is not None)
    hits.sort(key=lambda hit: (hit.start, hit.rule == _GUESSED, hit.end))
    apart: list[Hit] = []
    for hit in hits:
        if not apart or hit.start >= apart[-1].end:
            apart.append(hit)
    return apart


def over_lines(text: str) -> bool:
    """Return whether a secret of the text may take more than one line; each other one lies within one."""
    return any(word in text for word in _RULES[0].words)


def _telling_lines(text: str) -> list[tuple[int, int]]:
    """Return from where to where the lines go that hold a word which `_ASSIGNED` knows, in order.

    Plain searches, and then the pattern on a few lines: ten times faster than the pattern on all of them.
    """
    lowered = text.lower()
    words = [word for word in _WORDS[2:5] if word in lowered]
    if "pass" in lowered:
        words += [word for word in _WORDS[:2] if word in lowered]
    if "key" in lowered and any(word in lowered for word in _KEYS):
        words += [word for word in _WORDS[5:] if word in lowered]
    if words and len(lowered) != len(text):  # a letter that lowers to two: places in one are not those in the other
        return [(0, len(text))]
    lines: dict[int, int] = {}
    for word in words:
        at = lowered.find(word)
        while at >= 0:
            end = lowered.find("\n", at)
            end = len(text) if end < 0 else end
            lines[lowered.rfind("\n", 0, at) + 1] = end
            at = lowered.find(word, end)
    return sorted(lines.items())


def _long_words(text: str) -> str:
    """Return the words of a text that are long enough for a key: a fraction of it, searched for each rule's mark."""
    words = text.encode("utf-8", "surrogatepass").translate(_IN_WORDS).split()
    return b" ".join({word for word in words if len(word) >= _SHORTEST}).decode("latin-1")


def _known(text: str) -> Iterator[Hit]:
    if not text:
        return
    long_words = _long_words(text)
    for rule in _RULES:
        searched = text if rule.name in _IN_SENTENCES else long_words
        if any(word in searched for word in rule.words):
            for match in rule.pattern.finditer(text):
                if rule.group == 0 or not _compiled(_PLACEHOLDER).search(match[rule.group]):
                    yield Hit(match.start(rule.group), match.end(rule.group), rule.name)


def _assigned(text: str, *, bare: bool) -> Iterator[Hit]:
    for start, end in _telling_lines(text):
        for match in _compiled(_ASSIGNED).finditer(text, start, end):
            group = "quoted" if match["quoted"] is not None else "bare"
            value = match[group]
            if (group == "quoted" or bare) and not _compiled(_PLACEHOLDER).search(value) and _is_random(value):
                yield Hit(match.start(group), match.end(group), _GUESSED)


def _is_random(value: str) -> bool:
    """Return whether a value looks made by chance: letters with digits or signs, and many different ones."""
    letters = any(char.isalpha() for char in value)
    others = any(not char.isalpha() for char in value)
    return letters and others and len(set(value)) >= min(8, len(value) * 2 // 3)


def redact(text: str, path: str = "") -> tuple[str, list[tuple[int, str]]]:
    """Return the text with likely secrets replaced, line count unchanged, and (line, rule) of each."""
    hits = find(text, path)
    if not hits:
        return text, []
    parts, at, found = [], 0, []
    line, counted = 1, 0
    for hit in hits:
        line += text.count("\n", counted, hit.start)
        counted = hit.start
        found.append((line, hit.rule))
        parts += [text[at : hit.start], f"[redacted: {hit.rule}]", "\n" * text.count("\n", hit.start, hit.end)]
        at = hit.end
    parts.append(text[at:])
    return "".join(parts), found
