"""Addresses that must not be asked, and proxies that are none; the numbers are those of the promised answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.config.urls import proxy_problems, url_problem

if TYPE_CHECKING:
    from tests.cli.config.conftest import World


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("example.com/v1", "must be https://host[/path]; got example.com/v1"),
        ("ftp://example.com", "must be https://host[/path]; got ftp://example.com"),
        ("file:///etc/passwd", "must be https://host[/path]; got file:///etc/passwd"),
        ("https://", "must be https://host[/path]; got https://"),
        ("https:///v1", "must be https://host[/path]; got https:///v1"),
        ("https://me:pa55@example.com", "must be https://host[/path]; got https://…@example.com (password hidden)"),
        ("https://me@example.com", "must be https://host[/path]; got https://…@example.com (password hidden)"),
        ("https://example.com/v1#x", "got https://example.com/v1?…, and neither '?' nor '#' may follow"),
        ("https://example.com/v1?key=1", "got https://example.com/v1?…, and neither '?' nor '#' may follow"),
        ("https://example.com/v1?", "neither '?' nor '#' may follow"),
        ("https://exa mple.com", "must be https://host[/path]"),
        ("https://example.com\\\\@evil", "must be https://host[/path]"),
        ("https://example.com:99999", "must be https://host[/path]"),
        ("https://example.com:0", "must be https://host[/path]"),
        ("https://ex\\nample.com", "must be https://host[/path]"),
        ("https://[::1", "must be https://host[/path]"),
        ("https://%65xample.com", "must be https://host[/path]"),
        ("https://exämple.com", "must be https://host[/path]"),
    ],
)
def test_row_49_a_base_url_that_is_none(world: World, url: str, answer: str) -> None:
    [problem] = world.problems(f'[providers.p]\napi = "openai-chat"\nbase_url = "{url}"\n')
    assert problem.startswith("FILE line 3: [providers.p] base_url must be https://host[/path]; got ")
    assert answer in problem
    assert "pa55" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v1",
        "http://8.8.8.8",
        "http://[2001:4860::8888]/",
        "http://134744072",
        "http://0x8.8.8.8",
        "http://[::ffff:8.8.8.8]",
        "http://[2002:808:808::]",
    ],
)
def test_row_50_plain_http_to_a_public_host(world: World, url: str) -> None:
    [problem] = world.problems(f'[providers.p]\napi = "openai-chat"\nbase_url = "{url}"\n')
    assert problem.startswith("FILE line 3: Refusing plain http to ")
    assert problem.endswith("; only loopback and private hosts may be plain ([providers.p] base_url).")


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080",
        "127.0.0.1:1",
        "[::1]:11434",
        "[::ffff:127.0.0.1]",
        "[fd12::1]",
        "10.1.2.3",
        "192.168.0.9",
        "172.16.0.1",
        "ollama",
        "nas.local",
    ],
)
def test_row_50_plain_http_at_home_is_accepted(world: World, host: str) -> None:
    text = f'[providers.p]\napi = "openai-chat"\nbase_url = "http://{host}/v1/"\n'
    assert world.load(world.put(text)).providers["p"].base_url == f"http://{host}/v1"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "[fd00:ec2::254]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_row_51_link_local_addresses_in_every_disguise(world: World, scheme: str, host: str) -> None:
    [problem] = world.problems(f'[providers.p]\napi = "openai-chat"\nbase_url = "{scheme}://{host}/v1"\n')
    assert problem.startswith("FILE line 3: Refusing link-local address ")
    assert problem.endswith(" ([providers.p] base_url).")


@pytest.mark.parametrize(
    "value", ["x", "ftp://proxy:1", "http://", "http:// x", "://", "proxy:port", "http://p:99999"]
)
def test_row_54_a_proxy_variable_that_is_no_url(value: str) -> None:
    assert proxy_problems({"HTTPS_PROXY": value}) == [f"HTTPS_PROXY '{value}' is not a URL."]


def test_row_54_the_password_of_a_proxy_is_hidden_and_good_ones_pass() -> None:
    assert proxy_problems({"HTTPS_PROXY": "ftp://me:pa55@p"}) == ["HTTPS_PROXY 'ftp://…@p' is not a URL."]
    good = ["http://proxy:3128", "http://me:pw@proxy.example:3128/", "socks5://127.0.0.1:1080", "proxy:3128", "", " "]
    assert [proxy_problems({"https_proxy": one}) for one in good] == [[]] * len(good)


@given(st.text("https:/.@[]#?%0123456789abcxf-_\\ \n", max_size=40) | st.text(max_size=20))
def test_no_text_makes_the_check_raise_or_print_what_a_terminal_obeys(text: str) -> None:
    for url in (text, f"https://{text}", f"http://{text}"):
        problem = url_problem(url) or ""
        assert "\n" not in problem
        assert "\x1b" not in problem
