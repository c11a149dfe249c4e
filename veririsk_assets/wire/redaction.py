"""Takes keys, passwords and webhook paths out of text before it is logged, stored or raised.

Two nets: patterns of places where secrets stand, and the very values that clients were configured with.
"""

import logging
import re
from urllib.parse import unquote, urlsplit

HIDDEN = "[redacted]"
SHORTEST_SECRET = 6
SHORTEST_KEY = 16
# urllib3 logs `https://host:443 "GET /path HTTP/1.1"`: host and path stand apart.
_HEADERS = r"(?:authorization|x[-_]cg[-_](?:demo|pro)[-_]api[-_]key)"
_TO_PATH = r"(?::\d+)?(?:\s+\"[A-Z]+\s+)?/"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kept)
    for pattern, kept in (
        (r"(://)[^/\s\"']+@", rf"\1{HIDDEN}@"),
        (rf"(pro-api\.llama\.fi{_TO_PATH}(?:usage/)?)[^/\s\"'?]+", rf"\1{HIDDEN}"),
        (r"(/api/)[^/\s\"']+(/(?:subgraphs|deployments)/)", rf"\1{HIDDEN}\2"),
        (rf"((?:\bhooks\.[\w.-]+|discord(?:app)?\.com){_TO_PATH})[^\s\"']+", rf"\1{HIDDEN}"),
        (r"(with url: )\S+", rf"\1{HIDDEN}"),
        (rf"({_HEADERS}[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token|digest)\s+)?(?:b[\"'])?)[^\s\"',&}}]+", rf"\1{HIDDEN}"),
        (r"([?&](?:[\w-]*api_?-?key|key|token|access_token|secret|password|signature)=)[^&\s\"']+", rf"\1{HIDDEN}"),
        (r"(\bpassword\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s\"']+)", rf"\1{HIDDEN}"),
    )
)
_secrets: set[str] = set()


def keep_secret(value: str) -> str:
    """Never let `value` through `redact` from now on; of a URL, what follows its host, and long parts of that. Returns the value."""
    parts = urlsplit(value)
    hidden = value[value.index(parts.netloc) + len(parts.netloc) :].rstrip("/") if parts.netloc else value
    if len(hidden) >= SHORTEST_SECRET:
        _secrets.add(hidden)
    if parts.netloc:  # hosts like to name the key that they refuse
        _secrets.update(part for part in re.split(r"[/?&=]", hidden) if len(part) >= SHORTEST_KEY)
    return value


def keep_password(dsn: str) -> str:
    """Never let the password of a database's address through `redact` from now on. Returns the address.

    Drivers repeat the parts of an address that they cannot read, and a password with a slash in it is such a part.
    """
    user, _, _ = dsn.partition("://")[2].rpartition("@")
    password = user.partition(":")[2]
    _secrets.update(part for part in (password, unquote(password), *re.split(r"[/?#:@]", password)) if len(part) >= SHORTEST_SECRET)
    return dsn


def redact(text: str) -> str:
    """The text without secrets. Doing it twice changes nothing."""
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept, text)
    # A copy: another thread may learn of a secret meanwhile.
    for secret in sorted(_secrets.copy(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


class RedactingFilter(logging.Filter):
    """Put it on handlers (or on a logger): messages and tracebacks pass without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


_FILTER = RedactingFilter()


def guard_transport_logs() -> None:
    """The HTTP library's own debug lines show whole paths."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_FILTER)
