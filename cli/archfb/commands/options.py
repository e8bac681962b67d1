"""The options that commands share, and the long lists of `run` and `health`, apart from what they do."""

from typing import Annotated, Literal

import typer

from archfb import completion

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
OneModel = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Ask this model only.", autocompletion=completion.models),
]
MaxAge = Annotated[
    float | None, typer.Option("--max-age", metavar="S", min=0, help="Evidence older than this cannot tell.")
]
Since = Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back: 24h, 7d.")]

Phase = Annotated[
    str,
    typer.Argument(
        help="phase1 to phase5, final, or all.", metavar="PHASE", autocompletion=completion.phases_and_all
    ),
]
Repo = Annotated[str, typer.Argument(help="The folder to read.", metavar="REPO")]
More = Annotated[list[str] | None, typer.Argument(help="Further files for --write.", hidden=True, metavar="PATH")]
Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Write phase1.md … final.md and run.json there.")
]
Write = Annotated[
    list[str] | None,
    typer.Option("--write", metavar="PATH", help="With final: put the rules into these files, in a marked section."),
]
AllowPartial = Annotated[bool, typer.Option("--allow-partial", help="Write partial or offline rules too.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ignore stored results.")]
How = Annotated[
    Literal["balanced", "priority", "fastest", "cheapest"] | None,
    typer.Option("--strategy", metavar="NAME", help="balanced, priority, fastest or cheapest."),
]
MaxCost = Annotated[float | None, typer.Option("--max-cost", metavar="USD", min=0, help="What the run may spend.")]
Deadline = Annotated[float | None, typer.Option("--deadline", metavar="S", min=0.1, help="Seconds for one call.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent where, and its cost; no request.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="A partial result is a failure, and an offline one in their place.")
]
Offline = Annotated[bool, typer.Option("--offline", help="No model and no network.")]
Only = Annotated[str | None, typer.Option("--only", metavar="AGENT", help="Only this agent of the plan.")]
OnlyProvider = Annotated[
    list[str] | None,
    typer.Option(
        "--only-provider",
        metavar="NAME",
        help="Only it may see the code; repeatable.",
        autocompletion=completion.providers,
    ),
]
NotProvider = Annotated[
    list[str] | None,
    typer.Option(
        "--not-provider",
        metavar="NAME",
        help="It may not see the code; repeatable.",
        autocompletion=completion.providers,
    ),
]
AllowFile = Annotated[
    list[str] | None,
    typer.Option("--allow-file", metavar="GLOB", help="Read files that are left out for safety; repeatable."),
]
MaxFiles = Annotated[
    int | None, typer.Option("--max-files", metavar="N", min=1, help="Files to read at most (100000).")
]
MaxDepth = Annotated[
    int | None, typer.Option("--max-depth", metavar="N", min=1, help="Folders deep to read at most (100).")
]
MaxFileSize = Annotated[
    int | None, typer.Option("--max-file-size", metavar="BYTES", min=1, help="Of one file, at most (1048576).")
]

All = Annotated[bool, typer.Option("--all", help="Probe everything, due or not.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME", help="Only this model; repeatable.", autocompletion=completion.models),
]
OfPhase = Annotated[
    str | None,
    typer.Option("--phase", metavar="PHASE", help="Only this phase's chain.", autocompletion=completion.phases),
]
IfStale = Annotated[
    float | None,
    typer.Option("--if-stale", metavar="S", min=0, help="Probe nothing if all evidence is younger than this."),
]
Nagios = Annotated[bool, typer.Option("--nagios", help="Print one line and perfdata.")]
Textfile = Annotated[
    str | None, typer.Option("--textfile", metavar="PATH.prom", help="Replace this file with the metrics.")
]
Lock = Annotated[
    Literal["skip", "wait", "fail"], typer.Option("--lock", help="When another probe runs: skip, wait or fail.")
]
Jitter = Annotated[
    float, typer.Option("--jitter", metavar="S", min=0, max=3600, help="Wait up to this long before probing.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Keep going, live; q or Ctrl-C leaves.")]
Interval = Annotated[
    float | None, typer.Option("--interval", metavar="S", help="With --watch: seconds between two probes.")
]
Serve = Annotated[
    str | None, typer.Option("--serve", metavar="HOST:PORT", help="With --watch: serve the metrics there.")
]
