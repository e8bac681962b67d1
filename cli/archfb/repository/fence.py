"""Marks around repository text, which nobody who wrote that text can have known."""

from __future__ import annotations

from archfb.repository.digests import blake2b


def mark_for(content_id: str, texts: str) -> str:
    """Return a mark that does not occur in `texts`, made from the hash of everything read.

    Whoever writes a file cannot put the mark into it: the mark depends on that very file.
    The same content gives the same mark.
    """
    number = 0
    while True:
        digest = blake2b(f"{content_id}\0{number}".encode(), digest_size=12, person=b"archfb-fence").hexdigest()
        if digest not in texts:
            return digest
        number += 1
