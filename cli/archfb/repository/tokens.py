"""How many tokens a text costs, estimated without a tokenizer.

A weighted count of letters, words, digits, runs of punctuation, lines and other bytes. The weights were fitted on
1,395 files of seven public repositories (Python, C, Java, Ruby, TypeScript, Go, PHP, their documents and settings)
against two byte-pair vocabularies in wide use, o200k and cl100k: median error 5 % per file with either, all files
together 3 % under.
"""

from __future__ import annotations

from binascii import unhexlify

_LETTER, _SIGN, _DIGIT, _HIGH = 1, 2, 4, 8
_LINE_FEED = _DIGIT | _HIGH  # no byte is both


def _classes() -> bytes:
    table = bytearray(33) + bytes([_SIGN]) * 94 + b"\0" + bytes([_HIGH]) * 128
    table[10] = _LINE_FEED
    table[48:58] = bytes([_DIGIT]) * 10
    table[65:91] = table[97:123] = bytes([_LETTER]) * 26
    return bytes(table)


_CLASSES = _classes()
_IN_HEX = bytes(b"0123456789abcdef"[one] for one in _CLASSES)
# Bytes are counted many at a time, as the bits of one long number, four for each: fifteen times faster than one after
# the other.
_WIDTH = 16_384
_EACH = int.from_bytes(b"\x11" * (_WIDTH // 2), "big")
_LETTER_BITS, _SIGN_BITS, _DIGIT_BITS, _HIGH_BITS = (_EACH * bit for bit in (_LETTER, _SIGN, _DIGIT, _HIGH))
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
    if b"-----BEGIN" in content and b"-----BEGIN " in content:  # the first is found out sooner
        content, armour = _unarmoured(content)
        return _weighed(content) + int(armour * _ARMOUR) + 1
    letters = words = signs = digits = high = lines = before = 0
    for at in range(0, len(content), _WIDTH):
        these = content[at : at + _WIDTH].translate(_IN_HEX)
        bits = int.from_bytes(unhexlify(these if len(these) % 2 == 0 else these + b"0"), "big")
        follows = bits & (bits >> 4)  # those whose neighbour before is of the same class
        if before:
            follows |= bits & (before << 4 * (len(these) - 1 + len(these) % 2))
        before = bits & 15
        starts = bits ^ follows
        above = bits & _HIGH_BITS
        letters += (bits & _LETTER_BITS).bit_count()
        words += (starts & _LETTER_BITS).bit_count()
        signs += (starts & _SIGN_BITS).bit_count()
        digits += (bits & _DIGIT_BITS).bit_count()
        high += above.bit_count()
        lines += (bits & (above >> 1)).bit_count()
    digits, high = digits - lines, high - lines
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
