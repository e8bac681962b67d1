"""How many tokens a text costs, estimated without a tokenizer.

A weighted count of letters, words, digits, runs of punctuation, lines and other bytes. The weights were fitted on
1,395 files of seven public repositories (Python, C, Java, Ruby, TypeScript, Go, PHP, their documents and settings)
against two byte-pair vocabularies in wide use, o200k and cl100k: median error 5 % per file with either, all files
together 3 % under.
"""

from __future__ import annotations

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_DIGITS = bytes(range(48, 58))
_PUNCTUATION = bytes(char for char in range(33, 127) if char not in _LETTERS and char not in _DIGITS)
_LETTER, _SIGN, _DIGIT, _HIGH = 1, 2, 4, 8
_CLASSES = bytes(
    _LETTER * (char in _LETTERS) | _SIGN * (char in _PUNCTUATION) | _DIGIT * (char in _DIGITS) | _HIGH * (char > 127)
    for char in range(256)
)
# Bytes are counted many at a time, as the bits of one long number: ten times faster than one after the other.
_WIDTH = 16_384
_EACH = int.from_bytes(b"\1" * _WIDTH, "little")
_LETTER_BITS, _SIGN_BITS, _DIGIT_BITS = (_EACH * bit for bit in (_LETTER, _SIGN, _DIGIT))
SAMPLED = 8_192  # bytes; of a longer content a sample is weighed
_SLICES = 4
_ARMOUR = 0.74  # tokens a byte of base64


def estimate(text: str) -> int:
    """Return the estimated number of tokens of a text; of two joined at a line's end at most the sum, plus one."""
    return _weighed(text.encode("utf-8", "surrogatepass"))


def estimate_bytes(content: bytes) -> int:
    """Return the estimated number of tokens of UTF-8 bytes; of more than 4 KiB four slices are weighed."""
    size = len(content)
    if size <= SAMPLED:
        return _weighed(content)
    width = SAMPLED // _SLICES
    step = (size - width) // (_SLICES - 1)
    sample = b"".join([content[at : at + width] for at in range(0, step * (_SLICES - 1) + 1, step)])
    return _weighed(sample) * size // len(sample)


def _weighed(content: bytes) -> int:
    if b"-----BEGIN " in content:
        content, armour = _unarmoured(content)
        return _weighed(content) + int(armour * _ARMOUR) + 1
    classes = content.translate(_CLASSES)
    letters = words = signs = before = 0
    for at in range(0, len(classes), _WIDTH):
        these = classes[at : at + _WIDTH]
        bits = int.from_bytes(these, "little")
        begins = bits ^ bits & (bits << 8 | before)  # those whose neighbour before is of another class
        before = these[-1]
        letters += (bits & _LETTER_BITS).bit_count()
        words += (begins & _LETTER_BITS).bit_count()
        signs += (begins & _SIGN_BITS).bit_count()
    digits = classes.count(_DIGIT)
    high = 0 if content.isascii() else classes.count(_HIGH)
    lines = content.count(b"\n")
    weight = 0.0877 * letters + 0.575 * words + 0.658 * digits + 1.056 * signs + 0.69 * lines + 0.376 * high
    return int(weight) + (len(content) > 0)


def _unarmoured(content: bytes) -> tuple[bytes, int]:
    """Return the content without its armoured blocks (keys, signatures), and how many bytes those were."""
    parts, at = [], 0
    while (begin := content.find(b"-----BEGIN ", at)) >= 0:
        end = content.find(b"-----END ", begin)
        parts.append(content[at:begin])
        at = end if end >= 0 else len(content)
    rest = b"".join([*parts, content[at:]])
    return rest, len(content) - len(rest)
