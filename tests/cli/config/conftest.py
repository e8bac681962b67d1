"""A working folder, a home and an environment of one's own, to load configurations in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from archfb.config.load import load
from archfb.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from archfb.config.model import Config


@dataclass
class World:
    """Files are written with `put`; `load` and `problems` use one as --config, or what is found without."""

    cwd: Path
    user_dir: Path
    environ: dict[str, str] = field(default_factory=dict)

    def put(self, text: str | bytes, name: str = "my.toml") -> str:
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return str(path)

    def put_user(self, text: str) -> None:
        self.user_dir.mkdir(parents=True, exist_ok=True)
        (self.user_dir / "fallback.toml").write_text(text, "utf-8")

    def load(self, explicit: str | None = None) -> Config:
        return load(explicit, environ=self.environ, cwd=self.cwd, user_dir=self.user_dir)

    def failure(self, explicit: str | None = None) -> ConfigurationError:
        with pytest.raises(ConfigurationError) as caught:
            self.load(explicit)
        return caught.value

    def problems(self, text: str | bytes) -> list[str]:
        """Return the problems of a text given as --config, its path replaced by FILE."""
        path = self.put(text)
        return [one.replace(path, "FILE") for one in self.failure(path).problems]


@pytest.fixture
def world(tmp_path: Path) -> World:
    cwd = tmp_path / "work"
    cwd.mkdir()
    return World(cwd, tmp_path / "user", {"HOME": str(tmp_path)})
