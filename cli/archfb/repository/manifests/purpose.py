"""What a command is for, by its words."""

from __future__ import annotations

from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_BY_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "test",
        regex(
            r"\b(?:pytest|py\.test|tox|nox|jest|vitest|mocha|ava|karma|cypress|playwright test"
            r"|phpunit|pest|rspec|minitest|cucumber|behat|ctest|bats"
            r"|unittest|junit|prove|busted|trial|stestr|cargo (?:nextest|test)"
            r"|go(?:test(?:sum)?)? test|gotestsum|dotnet test|mix test|swift test|flutter test"
            r"|dart test"
            r"|deno test|bun test|bazel test|meson test|ninja test|cabal test|stack test"
            r"|zig build test|lein test|sbt [^|;&]*test|manage\.py test"
            r"|mvnw?(?:\.cmd)?\b(?![^|;&\n]*test\.skip|[^|;&\n]*skipTests)[^|;&\n]*[ \t](?:verify"
            r"|test)(?![\w.-])|gradlew?\b[^|;&\n]*[ \t:](?:\w*[tT]est|check|\w+Check|build)(?![\w.-])"
            r"|rake(?: (?:test|spec)\S*)?$|ninja\b[^|;&\n]* (?:test|check)(?![\w./-])"
            r"|make\b[^|;&\n]*[ \t](?:check|\w*tests?|testacc|distcheck|test-\S+)(?![\w./-])"
            r"|just\b[^|;&\n]*\btests?\b|composer (?:run(?:-script)? )?tests?\b"
            r"|(?:npm|pnpm|yarn|bun)(?: -\S+)*(?: run(?:-script)?)?(?: -\S+)* (?:test|e2e)\S*"
            r"|(?:npm|pnpm|yarn|bun) t\b|python[\d.]* (?:-m )?(?:runtests|tests?)\S*)"
        ),
    ),
    (
        "lint",
        regex(
            r"\b(?:ruff(?! format)|flake8|pylint|eslint|golangci-lint|go vet|staticcheck|clippy"
            r"|rubocop|phpcs|php-cs-fixer|phpstan|psalm|shellcheck"
            r"|stylelint|markdownlint|pre-commit|prek|lint\S*|ktlint|detekt|checkstyle|spotbugs"
            r"|credo|hadolint|yamllint|biome|oxlint|zizmor|actionlint|tflint)\b"
        ),
    ),
    ("types", regex(r"\b(?:mypy|pyright|tsc|vue-tsc|typecheck|type-check|pyre|sorbet|dialyzer|flow check)\b")),
    (
        "format",
        regex(
            r"\b(?:black|ruff format|prettier|gofmt|gofumpt|cargo fmt|rustfmt|clang-format|isort"
            r"|oxfmt|spotless\S*|mix format|format\S*)\b"
            r"|(?:^|[;&|] *|\b(?:cargo(?: \+\S+)?|go|deno|dune|just|make|task|run|pnpm|yarn|terraform|tofu"
            r"|taplo|zig) )fmt\b"
        ),
    ),
    (
        "docs",
        regex(
            r"\b(?:sphinx-build|mkdocs|typedoc|javadoc|rustdoc|cargo doc|yard|rdoc|doxygen"
            r"|docs?\S*|vitepress|docusaurus)\b"
        ),
    ),
    (
        "release",
        regex(r"\b(?:publish|release\S*|twine|goreleaser|semantic-release|changeset|deploy\S*|version-packages)\b"),
    ),
    (
        "install",
        regex(
            r"\b(?:npm (?:ci|install|i)|pnpm (?:i|install)|(?<![\w.-] )yarn(?: install| --immutable"
            r"| --frozen-lockfile)?$|bun install|pip3? install|uv sync|poetry install|pdm install"
            r"|pipenv install|bundle(?: install)?$|bundle install|composer (?:install|update)"
            r"|go mod download|cargo fetch|dotnet restore|mix deps\.get|conda env)"
        ),
    ),
    (
        "build",
        regex(
            r"(?<![\w@=./-])(?:build\S*|compile\S*|\./configure\b|\./autogen\.sh)"
            r"|\b(?:make(?: all)?(?: -[jsk]\S*| [A-Z_]+=(?:'[^']*'|\S+))*$|cmake\b(?! --install)|autoreconf"
            r"|meson|ninja|go (?:install|build)|cargo (?:hack )?(?:check|install)|mvnw?\b|gradlew?\b"
            r"|assemble|webpack|rollup|esbuild|tsup|tsdown|dotnet (?:pack|publish)"
            r"|docker (?:buildx )?build)"
        ),
    ),
    ("run", regex(r"\b(?:start|serve\S*|dev|run|up|watch|preview|server)\b")),
)


_BEFORE = regex(
    r"(?:cd [^\s;&|]+ *(?:&&|;) *|(?:sudo|time|env|command|exec|xvfb-run(?: -a)?|nice) +"
    r"|[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"';&|]*) +)"
)
_NAMED_PROGRAM = regex(r"\$(?:\{\{ *(?:env|matrix)\.(\w+) *\}\}|\{?(\w+)\}?)(?=\s)")
_SETTING_UP = regex(
    r"^(?:(?:python[\d.]* -m )?(?:pip3?|pipx|gem|uv tool|uv pip|npm|pnpm|yarn global|dotnet tool|rustup"
    r"|luarocks|cpanm?)(?: -\S+)* (?:install|i|add|restore|update)\b(?!-)"
    r"|cargo install (?!.*--path)|go install \S+@|go get\b)"
)
# What accepts every finding there is checks nothing.
_ACCEPTING = regex(r" --(?:set|generate|update|create)-baseline\b| --auto-gen-config\b")
_IN_A_FOLDER = regex(
    r"^(?:(?:ba|z|da)?sh(?: -\w+)* |python[\d.]* |ruby |perl |php |node |pwsh )?"
    r"(?=\S*/)(?:\./)?(?:[\w.-]+/)*([\w-]+)(?:\.(?:sh|py|rb|ps1|pl|js|mjs|ts|php|bat|cmd))?(?:\s|$)"
)


def bare(command: str) -> str:
    """Return a shell command without what stands before the program: changes of folder, variables, wrappers."""
    command = command.lstrip()
    for _ in range(6):
        before = _BEFORE.match(command)
        if before is None:
            break
        command = command[before.end() :]
    program = _NAMED_PROGRAM.match(command)
    return (program[1] or program[2]).lower() + command[program.end() :] if program else command


def purpose_of(command: str) -> str | None:
    """Return what a shell command is for, None when its words do not say."""
    command = bare(command)
    if _ACCEPTING.search(command):
        return None
    if _SETTING_UP.search(command):
        return "install"
    script = _IN_A_FOLDER.match(command)
    if script is not None and (named := _purpose_of_program(script[1], command[script.end() :])) is not None:
        return named
    for purpose, pattern in _BY_WORDS:
        if pattern.search(command):
            return purpose
    return None


def _purpose_of_program(name: str, rest: str) -> str | None:
    """Return what a program of the repository is for: by its name, where it is no tool whose words say it."""
    if name in ("rails", "rake", "manage", "meson", "console", "artisan"):
        words = rest.split()
        return purpose_of_script(words[0]) if words else None
    return None if name.startswith("check") else purpose_of_script(name)


_NAMED = (
    (
        "test",
        regex(
            r"^(?:run[_-]?)?(?:test|tests|check|r?spec|e2e|unit|ci|cibuild|coverage|cov|phpunit|simple-phpunit|pytest)(?:[:_.-].*)?$|[:_-]tests?$"
        ),
    ),
    ("types", regex(r"^(?:typecheck|type-check|types|tsc|mypy)")),
    ("lint", regex(r"^(?:lint|eslint|stylelint|rubocop|cs|phpstan|psalm|analy[sz]e|vet|static)")),
    ("format", regex(r"^(?:format|fmt|prettier|style)")),
    ("docs", regex(r"^(?:docs?|site|storybook)")),
    ("release", regex(r"^(?:release|publish|deploy|version|changeset)")),
    ("build", regex(r"^(?:build|compile|bundle|dist|package|all|assemble)")),
    ("run", regex(r"^(?:start|serve|dev|run|up|watch|preview)")),
    ("install", regex(r"^(?:install|setup|bootstrap|deps|init)")),
)


_CHECKING = regex(r"^(?:test|check|ci):((?:es|style|oxc?)?lint|types?|typecheck|tsc|format|prettier)\b")


def purpose_of_script(name: str, body: str = "") -> str | None:
    """Return what a named script or target is for, by its name first; None for hooks and what says nothing."""
    lowered = _CHECKING.sub(r"\1", name.lower())
    if lowered.startswith(("pre", "post", "create", "generate", "new-", "update")) and lowered != "preview":
        return None
    if lowered.startswith("check") and body:
        return next((said for said in ("types", "lint", "format", "test") if _says(said, body[:500])), "lint")
    for purpose, pattern in _NAMED:
        if pattern.search(lowered):
            return purpose
    said = purpose_of(body[:500]) if body else None
    return None if said in ("run", "install") else said


def _says(purpose: str, body: str) -> bool:
    return any(word == purpose and pattern.search(body) for word, pattern in _BY_WORDS)
