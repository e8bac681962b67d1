"""Which paths GitHub leaves out when it counts languages: what comes from elsewhere, what is made, what documents.

Source: the behaviour of github-linguist 7.22, compared file by file over real repositories. It judges by name alone
and wider than `classify` does: a folder `env` or a file `effects.js` is no reason to show less of it.
"""

from __future__ import annotations

from functools import lru_cache

from archfb.repository import languages
from archfb.repository.classify import DOCS_TOPS, DOCUMENTS, VENDORED_PATHS, is_docs, words
from archfb.repository.patterns import regex
from archfb.repository.shares import uncounted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.repository.records import File

_COUNTED = frozenset(["text", "marked", "minified", "vendored"])
_PARTS = words(
    "cache dist node_modules flow-typed bower_components testdata env admin_media vendor vendors ace-builds MathJax "
    "vignettes extern external externals Extern External Externals Godeps Pods Carthage Sparkle puphpet extjs "
    "bootstrap-datepicker __generated__ .google_apis .github .vscode .idea"
)
_TOPS = ("debian", "deps", "dependencies", "Dependencies")
_PATHS = (*VENDORED_PATHS, "/inst/extdata/", ".xctemplate/", ".imageset/", ".framework/")
_FOLDER = regex(
    r"(?:^|/)(?:docs?/_?(?:build|themes?|templates?|static)"
    r"|[Cc]ode[Mm]irror/(?:\d+\.\d+/)?(?:lib|mode|theme|addon|keymap|demo)|[Pp]ackages/.+\.\d+)/"
    r"|(?:3rd|[Tt]hird)[-_]?[Pp]arty/"
)
_FOLDER_WORDS = ("doc", "irror/", "ackages/", "arty/")  # one is in each folder that the pattern knows
_NAMES = words(
    "configure config.guess config.sub aclocal.m4 libtool.m4 ltoptions.m4 ltsugar.m4 ltversion.m4 lt~obsolete.m4 "
    "dotnet-install.ps1 dotnet-install.sh cpplint.py erlang.mk fabfile.py waf activator activator.bat "
    "gradlew gradlew.bat mvnw mvnw.cmd Vagrantfile Jenkinsfile proguard.pro proguard-rules.pro .osx"
)
_ENDINGS: tuple[str, ...] = (".d.ts", ".zep.c", ".zep.h", ".zep.php", "_tlb.pas")
_ENDINGS += tuple(f"{sign}min.{kind}" for sign in ".-" for kind in ("js", "css"))
_ENDINGS += tuple(f"import.{kind}" for kind in ("css", "less", "scss", "styl"))
_SCRIPT = regex(
    r"^(?:jquery[^.]*|jquery-\d\.\d+(?:\.\d+)?|jquery[-.](?:ui|effects|fn|fancybox|fileupload|dataTables).*"
    r"|jquery[^.]*\.(?:validate|unobtrusive).*|bootstrap[^/.]*(?:\..*)?|prototype.*|effects|controls|dragdrop"
    r"|mootools[^.]*\d+\.\d+.\d+[^.]*|dojo|MochiKit|yahoo-[^.]*|yui[^.]*|ckeditor|tiny_mce[^.]*|Chart"
    r"|shBrush[^.]*|shCore|shLegacy|angular[^.]*|d3(?:\.v\d+)?[^.]*|react(?:-[^.]*)?|html5shiv"
    r"|modernizr-\d\.\d+(?:\.\d+)?|modernizr\.custom\.\d+|knockout-(?:\d+\.){3}(?:debug)?|cordova[^.]*"
    r"|foundation(?:\..*)?|bootbox|fuelux|pdf\.worker|slick\.\w+|.*-vsdoc|.*\.intellisense)\.js$"
    r"|^(?:bootstrap[^/.]*(?:\..*)?|font-?awesome|foundation|normalize|skeleton|animate|materialize|bulma|fontello.*)"
    r"\.(?:css|less|s[ac]ss|styl)$"
)
_SCRIPTS = (".js", ".css", ".less", ".scss", ".sass", ".styl")


def counted_as(file: File, said: Mapping[str, str]) -> str | None:
    """Return the language that a file's bytes count for, None where they do not; `said` are its git attributes."""
    if file.kind not in _COUNTED or uncounted(file.path, file.size, file.lines):
        return None
    language = languages.called(said["linguist-language"]) if "linguist-language" in said else file.language
    if language is None:
        return None
    detectable = said.get("linguist-detectable")
    if detectable == "false" or (detectable != "true" and not languages.counts(language)):
        return None
    return None if left_out(file.path, said) else languages.GROUPS.get(language, language)


@lru_cache(maxsize=8192)
def _folder(folder: str) -> tuple[bool, bool]:
    parts, path = folder.split("/"), "/" + folder
    elsewhere = (
        not _PARTS.isdisjoint(parts)
        or parts[0] in _TOPS
        or any(map(path.__contains__, _PATHS))
        or (any(map(folder.__contains__, _FOLDER_WORDS)) and _FOLDER.search(folder) is not None)
    )
    return elsewhere, is_docs(folder, DOCS_TOPS)


def left_out(path: str, said: Mapping[str, str]) -> bool:
    """Return whether a path's bytes count for no language; `said` are its git attributes, which decide first."""
    at = path.rfind("/") + 1
    folder, name = path[:at], path[at:]
    elsewhere, documents = _folder(folder)
    vendored = said.get("linguist-vendored")
    if vendored == "true" or (vendored is None and (elsewhere or _from_elsewhere(name))):
        return True
    documentation = said.get("linguist-documentation")
    return documentation == "true" or (documentation is None and (documents or name.partition(".")[0] in DOCUMENTS))


def _from_elsewhere(name: str) -> bool:
    if name in _NAMES or name.startswith(".pnp.") or name.endswith(_ENDINGS):
        return True
    return name.endswith(_SCRIPTS) and _SCRIPT.search(name) is not None
