"""XML of manifests: namespaces off, no entities, no surprises."""

from __future__ import annotations

from xml.etree import ElementTree as ET  # documents that declare entities are refused first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parse(text: str) -> Element | None:
    """Return the root element with tags bare of namespaces, None for what is no plain XML."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ET.fromstring(_undeclared(text))  # noqa: S314  # entities were refused above
    except (ET.ParseError, ValueError, RecursionError, LookupError):
        return None
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


def _undeclared(text: str) -> bytes:
    """Return the document without its declaration, whose encoding is no longer true."""
    start = text.find("?>") + 2 if text.startswith("<?xml") else 0
    return text[start:].encode("utf-8", "replace")


def said(element: Element, path: str) -> str:
    """Return the text at a path below an element, "" where there is none."""
    found = element.findtext(path)
    return found.strip() if found else ""
