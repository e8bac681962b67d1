"""Which paths GitHub leaves out when it counts languages: what comes from elsewhere, what is made, what documents.

Source: the behaviour of github-linguist 7.22, compared file by file over real repositories. It judges by name alone
and wider than `classify` does: a folder `env` or a file `effects.js` is no reason to show less of it.
"""

from __future__ import annotations

from functools import lru_cache

from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = regex(
    r"(?:^|/)(?:cache|dist|node_modules|flow-typed|bower_components|testdata|env|admin_media|vendors?|ace-builds|MathJax|vignettes"
    r"|[Ee]xtern(?:als?)?|Godeps|Pods|Carthage|Sparkle|puphpet|extjs|bootstrap-datepicker|__generated__|\.google_apis"
    r"|\.yarn/(?:releases|plugins|sdks|versions|unplugged)|gradle/wrapper|\.mvn/wrapper|inst/extdata"
    r"|\.github|\.vscode|\.idea|[Tt]ests?/fixtures|[Ss]pecs?/fixtures|docs?/_?(?:build|themes?|templates?|static)"
    r"|[Cc]ode[Mm]irror/(?:\d+\.\d+/)?(?:lib|mode|theme|addon|keymap|demo)|[Pp]ackages/.+\.\d+)/"
    r"|(?:3rd|[Tt]hird)[-_]?[Pp]arty/|^(?:debian|deps|[Dd]ependencies)/"
    r"|\.(?:xctemplate|imageset|framework)/"
)
_NAME = regex(
    r"^(?:configure|config\.guess|config\.sub|(?:aclocal|libtool|lt(?:options|sugar|version|~obsolete))\.m4"
    r"|dotnet-install\.(?:ps1|sh)|cpplint\.py|erlang\.mk|fabfile\.py|waf|activator(?:\.bat)?|gradlew(?:\.bat)?"
    r"|mvnw(?:\.cmd)?|Vagrantfile|Jenkinsfile|proguard(?:-rules)?\.pro|\.osx|\.pnp\..*)$"
    r"|\.d\.ts$|[.-]min\.(?:js|css)$|import\.(?:css|less|scss|styl)$|\.zep\.(?:c|h|php)$|_tlb\.pas$"
)
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
_DOCUMENTS_FOLDER = regex(
    r"^(?:[Dd]ocs?|[Mm]an|[Ee]xamples|[Dd]emos?|[Ss]amples?)/"
    r"|(?:^|/)(?:[Dd]ocumentation|[Gg]roovydoc|[Jj]avadoc|inst/doc)/"
)
_DOCUMENTS_NAME = regex(
    r"^(?:CITATIONS?|CHANGE(?:S|LOG)?|CONTRIBUTING|COPYING|INSTALL|LICEN[CS]E|[Ll]icen[cs]e|README|[Rr]eadme)(?:\.|$)"
)


@lru_cache(maxsize=8192)
def _folder(folder: str) -> tuple[bool, bool]:
    return _FOLDER.search(folder) is not None, _DOCUMENTS_FOLDER.search(folder) is not None


def left_out(path: str, said: Mapping[str, str]) -> bool:
    """Return whether a path's bytes count for no language; `said` are its git attributes, which decide first."""
    at = path.rfind("/") + 1
    folder, name = path[:at], path[at:]
    elsewhere, documents = _folder(folder)
    vendored = said.get("linguist-vendored")
    if vendored == "true" or (vendored is None and (elsewhere or _from_elsewhere(name))):
        return True
    documentation = said.get("linguist-documentation")
    return documentation == "true" or (documentation is None and (documents or bool(_DOCUMENTS_NAME.match(name))))


def _from_elsewhere(name: str) -> bool:
    return _NAME.search(name) is not None or (name.endswith(_SCRIPTS) and _SCRIPT.search(name) is not None)
