"""What `archfb config check|show|path|init|trust` do, as functions of plain values that return records."""

from __future__ import annotations

from dataclasses import dataclass
from errno import ENOTDIR
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.config import shown, source, trust
from archfb.config.load import gather, gather_from, load, state_path
from archfb.config.urls import proxy_problems
from archfb.errors import ConfigurationError, UsageError
from archfb.providers.keys import key_problem, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from archfb.config.model import Config, Layer


@dataclass(frozen=True, slots=True)
class KeyState:
    """Whether a provider's key can be used; never the key. `models` are those of chains that need it."""

    provider: str
    variable: str | None
    state: Literal["set", "unset", "invalid", "not needed"]
    models: tuple[str, ...]
    problem: str | None = None

    @property
    def sentence(self) -> str | None:
        """Return what to say of a key that is missing or cannot be sent, or None."""
        if self.state == "invalid":
            return f"{self.variable} {self.problem}. Its value is not shown."
        if self.state == "unset" and self.models:
            them = "it is" if len(self.models) == 1 else "those are"
            return f"{self.variable} is not set (needed by {', '.join(self.models)}): {them} skipped."
        return None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `config check` found. `problems` make it fail; `notes` are worth knowing."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    layers: tuple[Layer, ...]
    keys: tuple[KeyState, ...]
    hint: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class LayerPath:
    """Where a layer stands or would stand, and whether it takes part."""

    name: str
    path: str
    exists: bool
    used: bool


@dataclass(frozen=True, slots=True)
class PathReport:
    """Where archfb reads its configuration, and where it keeps trust and state."""

    layers: tuple[LayerPath, ...]
    trusted: str
    state: str


@dataclass(frozen=True, slots=True)
class InitReport:
    """What `config init` wrote, and which keys it found in the environment."""

    path: str
    keys_set: tuple[str, ...]
    keys_unset: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustReport:
    """What is trusted now: the content of a file, by its SHA-256. `allows` are the settings this lets in."""

    path: str
    sha256: str
    already: bool
    allows: tuple[str, ...]


def key_states(config: Config, environ: Mapping[str, str]) -> tuple[KeyState, ...]:
    """Return, for each provider, whether its key is set, unset, or holds what no header can carry."""
    return tuple(_key_state(name, config, environ) for name in config.providers)


def _key_state(name: str, config: Config, environ: Mapping[str, str]) -> KeyState:
    provider = config.providers[name]
    models = tuple(one for one in config.chained if config.models[one].provider == name)
    if provider.api_key_env is None:
        return KeyState(name, None, "not needed", models)
    key = read_key(provider, environ)
    if key is None:
        return KeyState(name, provider.api_key_env, "unset", models)
    problem = key_problem(key.reveal())
    return KeyState(name, provider.api_key_env, "invalid" if problem else "set", models, problem)


def webhook_secret(config: Config, environ: Mapping[str, str]) -> str | None:
    """Return what signs the webhook's body; None where no variable is named for it, or it is unset or blank."""
    name = config.alerts.secret_env
    return (environ.get(name, "").strip() or None) if name is not None else None


def unsigned(config: Config, environ: Mapping[str, str]) -> str | None:
    """Return what to say where the webhook would be told nothing for want of its secret, or None."""
    name = config.alerts.secret_env
    if config.alerts.webhook is None or name is None or webhook_secret(config, environ):
        return None
    return f"{name} is not set (it signs what the webhook is told): nothing is sent unsigned."


def check(
    explicit: str | None, *, environ: Mapping[str, str], cwd: Path, user_dir: Path | None = None
) -> CheckReport:
    """Return every problem of every layer, of the keys and of the proxy variables; nothing is raised."""
    proxies = proxy_problems(environ)
    try:
        config = load(explicit, environ=environ, cwd=cwd, user_dir=user_dir)
    except ConfigurationError as error:
        return CheckReport((*error.problems, *proxies), (), (), (), error.hint)
    keys = key_states(config, environ)
    bad = [one.sentence for one in keys if one.state == "invalid" and one.models]
    missing = [one.sentence for one in keys if one.state == "unset"]
    return CheckReport(
        tuple(text for text in (*bad, *proxies) if text),
        tuple(text for text in (*config.notes, *missing, unsigned(config, environ)) if text),
        config.layers,
        keys,
    )


def paths(
    explicit: str | None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    user_dir: Path | None = None,
    state: str | None = None,
) -> PathReport:
    """Return where each layer and the state stand, whether or not they can be read; nothing is raised."""
    used = {one.place.path for one in gather(explicit, environ=environ, cwd=cwd, user_dir=user_dir).layers}
    try:
        where = state_path(state, load(explicit, environ=environ, cwd=cwd, user_dir=user_dir), environ)[0]
    except ConfigurationError:
        where = "(the configuration cannot be read)"
    places = source.places(explicit, environ, cwd, user_dir)
    return PathReport(
        tuple(LayerPath(one.layer, one.path, _exists(one.path), one.path in used) for one in places),
        str(trust.store_path(environ, user_dir)),
        shown.address(where),
    )


def init(path: Path, *, environ: Mapping[str, str], force: bool = False) -> InitReport:
    """Write every setting, commented out, to a new file.

    Raises UsageError where something is there already and `force` is not given, or nothing can be written.
    """
    from archfb.config.template import template

    text, keys_set, keys_unset = template(environ)
    try:
        _make_folder(path.parent)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{shown.file(str(path))} is there already.", hint="Use --force to replace it.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot write {shown.file(str(path))}: {source.reason(error)}.") from None
    return InitReport(str(path), keys_set, keys_unset)


def user_file(environ: Mapping[str, str], user_dir: Path | None = None) -> Path:
    """Return the user's own file, which `config init` writes where no other is named."""
    return Path(source.places(None, environ, Path(), user_dir)[1].path)


def trust_file(
    path: str, *, environ: Mapping[str, str], cwd: Path, day: str, user_dir: Path | None = None
) -> TrustReport:
    """Trust what a file holds now; after a change it has to be trusted again. `day` is noted beside it.

    Raises ConfigurationError where the file is missing or no TOML, UsageError where trust cannot be remembered.
    """
    place = source.Place(source.OPTION, str(cwd / path) if path else "", path)
    found = source.read(place)
    assert found is not None
    digest, store = source.digest(found.data), trust.store_path(environ, user_dir)
    try:
        new = trust.remember(digest, place.path, store, day)
    except OSError as error:
        raise UsageError(f"Cannot write {shown.file(str(store))}: {source.reason(error)}.") from None
    lower = gather_from(source.places(None, environ, cwd, user_dir)[:2], environ, user_dir)
    allows = [shown.spelled(one.path) for one in trust.refused(found.raw, lower.merged["models"])]
    return TrustReport(place.path, digest, not new, tuple(allows))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(ENOTDIR, "not a directory") from None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists() if path else False
    except (OSError, ValueError):
        return False
