"""`sandbox`: the embedded vendors, served until interrupted."""

import signal
from collections.abc import Sequence
from threading import Event

import click

from attendance_pipeline.errors import UsageError


@click.command()
@click.option("--port", type=int, default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another organisation.")
@click.option("--size", default="demo", show_default=True, help="How large the organisation is: small or demo.")
@click.option(
    "--fault",
    "faults",
    metavar="NAME[:VENDOR]",
    multiple=True,
    help="Misbehave like this, at one vendor or wherever it can happen; may be repeated.",
)
@click.option("--faults", "list_faults", is_flag=True, help="List the faults and exit.")
def sandbox(port: int, seed: int, size: str, faults: Sequence[str], list_faults: bool) -> None:
    """Serve the embedded vendors until interrupted, and print the settings that point at them."""
    from attendance_pipeline.sandbox import FAULTS, SIZES, Sandbox

    if list_faults:
        for name, fault in FAULTS.items():
            click.echo(f"{name:<28}  {fault.says} ({', '.join(fault.vendors)})")
        return
    if size not in SIZES:
        raise UsageError(f"there is no size {size}; choose one of {', '.join(SIZES)}")
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    served = Sandbox(seed=seed, size=size, port=port)
    for fault_name in faults:
        name, _, vendor = fault_name.partition(":")
        try:
            served.misbehave(name, vendor or None)
        except ValueError as error:
            raise UsageError(f"--fault {fault_name}: {error}") from None
    with served:
        for name, value in served.settings.items():
            click.echo(f"export {name}={value}")
        click.echo(
            f"# serving until interrupted; what is true of it: {served.url}/truth?from=YYYY-MM-DD&to=YYYY-MM-DD",
            err=True,
        )
        stopped.wait()
