"""The partner-dashboard command."""

import json
import logging
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from dashboard import serve as serving
from dashboard.supervise import leave_with_parent
from services import doctor as checks
from services import exports, worker
from services.debitura import DebituraError
from services.settings import SANDBOX_PORT, Settings, SettingsError, load_settings
from services.store import StoreError
from services.store.bookkeeping import Scope
from services.store.sqlite import file_of
from services.sync.passes import Sync
from services.sync.report import SyncReport
from services.wiring import open_api, open_store

app = typer.Typer(
    name="partner-dashboard",
    help="Operations dashboard for Debitura referral partners.",
    pretty_exceptions_enable=False,
    add_completion=False,
)
screen = Console()
errors = Console(stderr=True)
LIVELY = 720.0
"""The sandbox's speed beside the dashboard: something happens every few seconds."""

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]


SpeedOption = Annotated[
    float,
    typer.Option(
        help="Simulated seconds in the sandbox for each real one (720: a day in two minutes); "
        "0: nothing happens by itself.",
        min=0,
        max=86_400,
    ),
]


class CommandFailed(Exception):
    """A command could not do its work; the message says what to do."""


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Without a command: the same as `serve`."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8501,
    sandbox_port: Annotated[int, typer.Option(help="Port of the sandbox.")] = SANDBOX_PORT,
    sandbox_speed: SpeedOption = LIVELY,
    keep: Annotated[bool, typer.Option(help="Go on with the sandbox's last world.")] = False,
) -> None:
    """Serve the dashboard, with its worker and, in the sandbox environment, the sandbox."""
    serving.serve(
        load_settings(),
        serving.ServeOptions(host, port, sandbox_port, sandbox_speed, keep),
        say=screen.print,
    )


@app.command(hidden=True)
def web(host: HostOption = "127.0.0.1", port: PortOption = 8501) -> None:
    """The web process alone."""
    from dashboard import server  # noqa: PLC0415  (Streamlit takes seconds to import)

    leave_with_parent()
    server.run(host, port)


@app.command(name="worker")
def run_worker() -> None:
    """Keep the store true to Debitura until stopped."""
    settings = load_settings()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    leave_with_parent()
    log = logging.getLogger("partner_dashboard.worker")

    def tell(report: SyncReport) -> None:
        for scope in report.scopes:
            if scope.error:
                log.warning("%s: %s", scope.scope, scope.error)

    worker.run(settings, stop, on_pass=tell)


@app.command()
def sync(
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, not only what may have changed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the outcome as JSON.")] = False,
) -> None:
    """Make one pass; exit 0 only if every scope is true to the source."""
    settings = load_settings()
    with open_api(settings) as api, closing(open_store(settings)) as store, _progress_bar() as bar:
        tasks: dict[Scope, TaskID] = {}

        def show(scope: Scope, done: int, total: int | None) -> None:
            if scope not in tasks:
                tasks[scope] = bar.add_task(scope, total=total)
            bar.update(tasks[scope], completed=done, total=total)

        syncing = Sync(store, api, full_every=settings.full_scan_every, progress=show)
        report = syncing.run(full=full)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        _tell_report(report)
    if not report.is_true:
        _tell_failures(report)
        raise typer.Exit(1)


@app.command()
def sandbox(
    port: PortOption = SANDBOX_PORT,
    clients: Annotated[int, typer.Option(min=1)] = 180,
    cases: Annotated[int, typer.Option(min=0)] = 1200,
    transactions: Annotated[int, typer.Option(min=0)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same world.")] = 7,
    speed: SpeedOption = 0,
    state_file: Annotated[
        Path | None, typer.Option(help="Go on with the world kept here, and keep it here.")
    ] = None,
) -> None:
    """Run the stand-in for both Debitura APIs on loopback."""
    from services.sandbox import SandboxOptions  # noqa: PLC0415  (its web server is only
    from services.sandbox import run as run_sandbox  # noqa: PLC0415  needed here)

    serving.require_free_port("127.0.0.1", port, option="--port")
    leave_with_parent()
    run_sandbox(
        SandboxOptions(
            port=port,
            clients=clients,
            cases=cases,
            transactions=transactions,
            seed=seed,
            speed=speed,
            state_file=state_file,
        )
    )


@app.command()
def export(
    kind: Annotated[exports.ExportKind, typer.Argument(help="What to export.")],
    format: Annotated[exports.ExportFormat, typer.Option(help="The file format.")],
    output: Annotated[Path | None, typer.Option(help="File to write; else the terminal.")] = None,
    archived: Annotated[
        bool, typer.Option("--archived", help="Also cases and transactions no longer listed.")
    ] = False,
) -> None:
    """Write everything of one kind under the API's own field names."""
    settings = load_settings()
    _require_data(settings)
    with closing(open_store(settings)) as store:
        rows = exports.records(store, kind, archived=archived)
        if output is None:
            exports.write(rows, format, sys.stdout.buffer)
        else:
            count = _write_whole(output, rows, format)
            errors.print(f"{count:,} {kind} written to {output}.", markup=False, soft_wrap=True)


@app.command()
def doctor() -> None:
    """Check key, addresses, webhook and store; say what to do."""
    well = True
    for check in checks.examine(load_settings()):
        well = well and check.ok
        mark = "[green]ok  [/green]" if check.ok else "[red]fail[/red]"
        screen.print(f"{mark} {check.name}: ", end="")
        screen.print(check.told, markup=False, soft_wrap=True)
    if not well:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; what goes wrong is told in one sentence, with exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        app()
    except (CommandFailed, SettingsError, StoreError, DebituraError, serving.CannotServe) as error:
        errors.print(str(error), markup=False, soft_wrap=True, style="red")
        sys.exit(1)


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description:>12}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )


def _tell_report(report: SyncReport) -> None:
    for scope in report.scopes:
        told = f"{scope.rows:,} rows, {scope.changed:,} changed"
        told += f", {scope.requests:,} requests" + (f" ({scope.how})" if scope.how else "")
        told += "" if scope.is_true else ", not true to the source"
        screen.print(f"{scope.scope:>12}  {told}", markup=False, soft_wrap=True)


def _tell_failures(report: SyncReport) -> None:
    """Each reason once, with the scopes that it holds for."""
    failed: dict[str, list[str]] = {}
    for scope in report.scopes:
        if scope.error:
            failed.setdefault(scope.error, []).append(scope.scope)
    for reason, scopes in failed.items():
        told = f"{', '.join(scopes)}: {reason}"
        errors.print(told, markup=False, soft_wrap=True, style="red")


def _require_data(settings: Settings) -> None:
    path = file_of(settings.database_url)
    if path is not None and not path.exists():
        raise CommandFailed(
            f"There is no store of the {settings.environment} environment yet ({path}). "
            "Run `partner-dashboard sync` first."
        )


def _write_whole(output: Path, rows: Iterable[exports.Record], format: exports.ExportFormat) -> int:
    """Write beside the target and rename, so that a failure leaves no half of a file."""
    try:
        with tempfile.NamedTemporaryFile(dir=output.parent, delete=False) as file:
            unfinished = Path(file.name)
        try:
            with unfinished.open("wb") as target:
                count = exports.write(rows, format, target)
            unfinished.replace(output)
        except BaseException:
            unfinished.unlink()
            raise
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written ({error.strerror}).") from error
    return count


if __name__ == "__main__":
    main()
