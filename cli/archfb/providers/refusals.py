"""Which one parameter a refusal names, and what to send instead."""

from __future__ import annotations

import re

from archfb.providers.codes import PARAMETERS
from archfb.providers.families import EFFORTS

_NAMED = (
    re.compile(
        r"(?:unsupported|unknown|unrecognized|invalid)[^'\"`]{0,40}"
        r"(?:parameter|value|argument|name|field)s?[^'\"`]{0,20}['\"`]([\w.]+)['\"`]",
        re.I,
    ),
    re.compile(
        r"['\"`]([\w.]+)['\"`] (?:is|are|does|do|and)\b[^'\"`]{0,60}"
        r"(?:not support|unsupported|deprecated|not allowed|not permitted|cannot)",
        re.I,
    ),
    re.compile(r"['\"`]([\w.]+)['\"`]? may only be set", re.I),
    re.compile(r"(?:^|\s)([\w.]+): (?:range|extra inputs|input should|unexpected|must be)", re.I),
    re.compile(
        r"\b(temperature|thinking(?:_budget|_level)?|effort|stream_options|max_tokens)\b[^.]{0,60}"
        r"(?:not support|unsupported|deprecated|not permitted)",
        re.I,
    ),
    re.compile(r"\b(\w+)='\w+' is not supported", re.I),
    re.compile(r"\b(temperature) value of \S+ but the supported range", re.I),
    re.compile(r"only works in (thinking) mode|(thinking) budget \(?-?[0-9]+\)? is invalid", re.I),
    re.compile(r"(max_tokens)(?: is too large)?: [0-9]{1,9}(?: >|\. This model supports at most)", re.I),
    re.compile(
        r"not support(?:ed)?[^.]{0,30}\b(temperature|thinking(?:_budget|_level)?|effort|stream_options|max_tokens)\b",
        re.I,
    ),
)
_INSTEAD = re.compile(r"use ['\"`]([\w.]+)['\"`]", re.I)
_MOST = re.compile(
    r"max_tokens: [0-9]{1,9} > ([0-9]{1,9}), which is the maximum|supports at most ([0-9]{1,9}) completion", re.I
)
_SUPPORTED = re.compile(r"supported (?:values|levels)(?: are)?:? ([^.]{1,200})|must be one of (.{1,200})", re.I)
_REFUSED_VALUE = re.compile(r"['\"`](\w+)['\"`]")
_SWITCH = re.compile(r"(?:thinking\.type\.|[\"'`]type[\"'`]:\s*[\"'`])(between_tools|adaptive)", re.I)
_LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
LIMIT_NAME = "max_output_tokens_name"
"""The output limit's name, which is learned beside its size."""


def refused_parameter(param: str | None, message: str) -> tuple[str | None, str | None]:
    """Return our name of the refused parameter and what to send instead ("" = leave it out).

    None where none is named that is ever sent.
    """
    ours = _ours(param) or next((name for name in (_ours(raw) for raw in _raw(message)) if name), None)
    if ours == "max_output_tokens":
        return _limit(message)
    if ours == "reasoning":
        return ours, _effort(message)
    return ours, None if ours is None else ""


def _limit(message: str) -> tuple[str, str]:
    """Return what is refused of the output limit, its size or its name, and what to send instead ("" = nothing)."""
    most = _MOST.search(message)
    if most:
        return "max_output_tokens", most[1] or most[2]
    instead = _INSTEAD.search(message)
    if instead and instead[1] in _LIMIT_NAMES:
        return LIMIT_NAME, instead[1]
    return "max_output_tokens", ""


def _ours(raw: str | None) -> str | None:
    if not raw:
        return None
    last = raw.rsplit(".", 1)[-1]
    return PARAMETERS.get(raw) or PARAMETERS.get(last) or PARAMETERS.get(last.lower())


def _raw(message: str) -> list[str]:
    found = (match for pattern in _NAMED for match in pattern.finditer(message[:2000]))
    return [name for match in found for name in match.groups() if name]


def _effort(message: str) -> str:
    """Return the supported effort nearest to the refused one, the way thinking is switched now, or nothing."""
    told = _SUPPORTED.search(message)
    if told:
        offered = [word for word in EFFORTS if re.search(rf"\b{word}\b", told[1] or told[2])]
        refused = next((word for word in _REFUSED_VALUE.findall(message[: told.start()]) if word in EFFORTS), None)
        if offered:
            return _nearest(offered, refused)
    switch = _SWITCH.findall(message)
    return switch[0].lower() if switch else ""


def _nearest(offered: list[str], refused: str | None) -> str:
    if refused is None:
        return "medium" if "medium" in offered else offered[0]
    at = EFFORTS.index(refused)
    return min(offered, key=lambda word: (abs(EFFORTS.index(word) - at), EFFORTS.index(word)))
