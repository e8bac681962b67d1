"""Environments of their own for the programs that archfb is measured against: made once, kept between runs.

They stand in the folder that $ARCHFB_BENCHMARKS names, else in the system's folder for temporary files; the package
index that pip is set up with is asked for them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PACKAGES = {
    "sdks": ["openai==3.57.0", "anthropic==2.14.0", "google-genai==3.6.1"],
    "litellm": ["litellm[proxy]==1.108.7", "httpx", "time-machine"],
    "mutation": ["cosmic-ray==8.7.0", "pytest", "pytest-timeout", "hypothesis"],
    "pydantic-ai": ["pydantic-ai-slim[openai]", "httpx"],
    "gitingest": ["gitingest"],
    "aider": ["aider-chat"],
}


def python_of(name: str) -> str:
    """Return the interpreter of a peer's environment, making it where it is missing."""
    root = Path(os.environ.get("ARCHFB_BENCHMARKS") or Path(tempfile.gettempdir()) / "archfb-benchmarks")
    python = root / name / "bin" / "python"
    if not (root / name / "ready").exists():
        print(f"making an environment for {name} in {root}", file=sys.stderr)
        venv.create(root / name, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES[name]], check=True)
        (root / name / "ready").touch()
    return str(python)


def versions(python: str, *packages: str) -> str:
    """Return the packages' versions in that environment, in a line."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    ended = subprocess.run([python, "-c", code, *packages], check=True, capture_output=True, text=True)
    return ended.stdout.strip()
