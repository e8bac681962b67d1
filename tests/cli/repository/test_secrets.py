# ruff: noqa: E501  # one row a line reads better
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.repository import secrets

# Put together here, so that no scanner takes this file for a leak.
LIKELY = [
    ("aws-access-key", "AKIA" + "QZ7XWVUTSRPONML2"),
    ("github-token", "ghp_" + "aB3d" * 9),
    ("github-token", "github_pat_" + "11ABC" * 8),
    ("gitlab-token", "glpat-" + "x1Y2z3W4v5" * 2),
    ("slack-token", "xoxb-" + "1234567890-abcdef"),
    ("google-api-key", "AIza" + "Sy" + "A1b2C3d4E5f" * 3),
    ("stripe-key", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"),
    ("model-api-key", "sk-ant-" + "api03-" + "Zz9" * 12),
    ("registry-token", "npm_" + "aB3d" * 9),
    ("hugging-face-token", "hf_" + "aBcDeFgHiJ" * 3 + "klmn"),
    ("sendgrid-key", "SG." + "a" * 10 + "B1c2D3e4F5g6" + "." + "Zx9" * 14),
    ("json-web-token", "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + ".abcDEF123456"),
    ("telegram-token", "123456789" + ":AA" + "H1b2c3d4e5f" * 3),
]
LINES = [
    ("password-in-url", "https://user:{}@example.org/x", "hunter2x"),
    ("azure-key", "AccountName=x;AccountKey={};", "aB3+" * 20 + "=="),
    ("bearer-token", "Authorization: Bearer {}", "aB3d5F7h" * 4),
    ("assigned-secret", 'password = "{}"', "xK9#mQ2$vL7p"),
    ("assigned-secret", "api_key: '{}'", "8f14e45fceea167a5a36"),
    ("assigned-secret", "client_secret={}", "8f14e45fceea167a5a36"),
    ("assigned-secret", '"accessKey": "{}",', "kJ8s7Gh2Lm4Nq9"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value"), LIKELY, ids=[f"{rule}-{at}" for at, (rule, _) in enumerate(LIKELY)])
def test_tokens_known_by_their_form_are_replaced_and_counted(rule: str, value: str) -> None:
    text, found = secrets.redact(f"one\nx = '{value}'\nlast {value}\n", "a.py")
    assert text == f"one\nx = '[redacted: {rule}]'\nlast [redacted: {rule}]\n"
    assert found == [(2, rule), (3, rule)]


@pytest.mark.parametrize(("rule", "line", "value"), LINES)
def test_values_known_by_what_stands_before_them_are_replaced(rule: str, line: str, value: str) -> None:
    text, found = secrets.redact(line.format(value), "settings.yaml")
    assert (text, found) == (line.format(f"[redacted: {rule}]"), [(1, rule)])


def test_a_private_key_goes_whole_and_leaves_its_lines() -> None:
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
    text, found = secrets.redact(f"a\n{key}\nb\n")
    assert text == "a\n[redacted: private-key]\n\n\n\nb\n"
    assert found == [(2, "private-key")]


HARMLESS = [
    "password = get_password()", 'password = "<your password>"', 'api_key = os.environ["API_KEY"]', 'token = "example-token"',
    "secret: ${{ secrets.TOKEN }}", 'password="changeme"', "tokenizer = 'word-piece'", "https://example.org:8080/a@b", "key = 'a-b-c-d-e'",
    "integrity sha512-" + "aB3d" * 16, "password_hash(x)", 'secret_name = "MY_SECRET_NAME"', "sk-", "AKIA", "http://user:password@host/",
]  # fmt: skip


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_looks_like_a_secret_stays(line: str) -> None:
    assert secrets.redact(line, "a.yaml") == (line, [])


NEVER = [
    ".env", ".env.local", "a/.env.production", "prod.env", ".envrc", "id_rsa", ".ssh/config", "deep/server.key", "cert.pem", "a.p12", ".npmrc",
    ".netrc", ".aws/credentials", "credentials.json", "secrets.yaml", "x.tfstate", "config/master.key", ".ENV", "store.jks",
]  # fmt: skip
SENT = [
    "env.py",
    "environment.ts",
    "a.keys.md",
    "keyboard.js",
    "monkey.py",
    "src/credentials/index.ts",
    "secret.go",
    "key.rs",
    "docs/secrets.md",
    "rsa.py",
]


@pytest.mark.parametrize(("path", "never"), [(path, True) for path in NEVER] + [(path, False) for path in SENT])
def test_key_files_and_env_files_are_never_sent(path: str, never: bool) -> None:  # row 85
    assert secrets.never_sent(path) is never


def test_one_exclusion_can_be_overridden_by_name_or_path() -> None:
    assert not secrets.never_sent("a/.env", [".env"])
    assert not secrets.never_sent("a/.env", ["a/*"])
    assert secrets.never_sent("a/.env", ["b/*"])


@given(st.text(max_size=60), st.sampled_from([value for _, value in LIKELY]), st.text(max_size=60))
def test_a_secret_never_survives_whatever_stands_around_it(before: str, value: str, after: str) -> None:
    text, found = secrets.redact(f"{before}\n {value} \n{after}", "a.yaml")
    assert value not in text
    assert found
    assert text.count("\n") == before.count("\n") + after.count("\n") + 2


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWD",
        "passphrase",
        "Passphrase",
        "secret_key",
        "TOKEN",
        "token_id",
        "api_key",
        "apiKey",
        "API-KEY",
        "apikey",
        "credentials",
        "private_key",
        "privateKey",
        "PRIVATE-KEY",
        "access_key",
        "accessKey",
        "AUTH_KEY",
        "authkey",
        "auth-key",
    ],
)
def test_every_name_of_a_secret_is_known_in_any_case(name: str) -> None:
    value = "q7Rt" + "9Zx2" + "Lm4K"
    assert [hit.rule for hit in secrets.find(f"{name}: '{value}'\n", "a.py")] == ["assigned-secret"]
    assert secrets.find(f"name: '{value}'\n", "a.py") == []


@pytest.mark.parametrize(
    "before", ["", "\u0130\n" * 9, "\u0130 ", "token\ntoken\n", "\n\n", "\u00e9\u20ac\U0001f600\n"]
)
def test_a_named_secret_is_found_wherever_its_line_stands(before: str) -> None:
    text = f'{before}a = 1\n  db_password: "kX9!vB2#qL7z"  \nb = 2\nToken = "qW8eR5tY1uZx"'
    redacted, found = secrets.redact(text, "a.yml")
    assert [rule for _, rule in found] == ["assigned-secret"] * 2
    assert "kX9" not in redacted
    assert "qW8" not in redacted
