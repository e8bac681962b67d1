"""The user's folders are where platformdirs puts them."""

from __future__ import annotations

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from archfb.config.folders import APP, config_folder, expand, home, state_folder


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/me"},
        {"HOME": "/home/me", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
        {"HOME": "/home/me", "XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": ""},
        {"HOME": "relative"},
        {},
    ],
)
@pytest.mark.parametrize(("platform", "rules"), [("linux", Unix), ("darwin", MacOS)])
def test_they_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], platform: str, rules: type[Unix | MacOS]
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    expected = rules(APP)
    assert config_folder(environ, platform) == expected.user_config_dir
    assert state_folder(environ, platform) == expected.user_state_dir


def test_another_system_is_asked_of_platformdirs() -> None:
    assert config_folder({}, "freebsd").endswith(APP)
    assert state_folder({}, "freebsd").endswith(APP)


def test_a_tilde_is_the_home_folder() -> None:
    environ = {"HOME": "/home/me"}
    assert [expand(one, environ) for one in ("~", "~/x", "~you/x", "x/~")] == [
        "/home/me",
        "/home/me/x",
        "~you/x",
        "x/~",
    ]
    assert home({}).startswith("/")
