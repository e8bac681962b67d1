"""How many tokens a text costs, estimated without a tokenizer.

A weighted count of letters, words, digits, runs of punctuation, lines and other bytes. The weights were fitted on
1,395 files of seven public repositories (Python, C, Java, Ruby, TypeScript, Go, PHP, their documents and settings)
against two byte-pair vocabularies in wide use, o200k and cl100k: median error 5 % per file with either, all files
together 3 % under.
"""

from __future__ import annotations

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_DIGITS = bytes(range(48, 58))
_HIGH = bytes(range(128, 256))
_PUNCTUATION = bytes(char for char in range(33, 127) if char not in _LETTERS and char not in _DIGITS)
_IN_WORDS = bytes(97 if char in _LETTERS else 32 for char in range(256))
_SIGNS = bytes(char if char in _PUNCTUATION else 32 for char in range(256))
_SAMPLED = 8_192
_SLICES = 4
_ARMOUR = 0.74  # tokens a byte of base64


def estimate(text: str) -> int:
    """Return the estimated number of tokens of a text; of two joined at a line's end at most the sum, plus one."""
    return _weighed(text.encode("utf-8", "surrogatepass"))


def estimate_bytes(content: bytes) -> int:
    """Return the estimated number of tokens of UTF-8 bytes; of more than 4 KiB four slices are weighed."""
    size = len(content)
    if size <= _SAMPLED:
        return _weighed(content)
    width = _SAMPLED // _SLICES
    step = (size - width) // (_SLICES - 1)
    sample = b"".join([content[at : at + width] for at in range(0, step * (_SLICES - 1) + 1, step)])
    return _weighed(sample) * size // len(sample)


def _weighed(content: bytes) -> int:
    size = len(content)
    if b"-----BEGIN " in content:
        content, armour = _unarmoured(content)
        return _weighed(content) + int(armour * _ARMOUR) + 1
    text = content.translate(_IN_WORDS)
    letters = text.count(b"a")
    words = text.count(b" a") + text.startswith(b"a")
    digits = size - len(content.translate(None, _DIGITS))
    high = size - len(content.translate(None, _HIGH)) if not content.isascii() else 0
    signs = len(content.translate(_SIGNS).split())
    lines = content.count(b"\n")
    return int(0.0877 * letters + 0.575 * words + 0.658 * digits + 1.056 * signs + 0.69 * lines + 0.376 * high) + (
        size > 0
    )


def _unarmoured(content: bytes) -> tuple[bytes, int]:
    """Return the content without its armoured blocks (keys, signatures), and how many bytes those were."""
    parts, at = [], 0
    while (begin := content.find(b"-----BEGIN ", at)) >= 0:
        end = content.find(b"-----END ", begin)
        parts.append(content[at:begin])
        at = end if end >= 0 else len(content)
    rest = b"".join([*parts, content[at:]])
    return rest, len(content) - len(rest)
