"""The console script `attendance-pipeline`, a file for each command.

Exit codes: 0 done, 1 something failed, 2 what was asked for can't be meant.
"""

import sys

import click

from attendance_pipeline.cli.coverage import coverage
from attendance_pipeline.cli.demo import demo
from attendance_pipeline.cli.docs import docs
from attendance_pipeline.cli.doctor import doctor
from attendance_pipeline.cli.plan import plan
from attendance_pipeline.cli.quarantine import quarantine
from attendance_pipeline.cli.reshape import reshape
from attendance_pipeline.cli.run import run
from attendance_pipeline.cli.sandbox import sandbox
from attendance_pipeline.errors import AttendanceError, UsageError


def main() -> None:
    """Run the console script; an error is one line on standard error."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        _fail("interrupted; what was landed is kept, run again to go on", 1)
    except click.ClickException as wrong:
        _fail(f"{wrong.format_message()}; see attendance-pipeline --help", 2)
    except UsageError as wrong:
        _fail(str(wrong), 2)
    except AttendanceError as error:
        _fail(str(error), 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="attendance-pipeline")
def commands() -> None:
    """Attendance of ended Zoom, Webex and Teams meetings: pulled, kept, checked, counted.

    Settings come from the environment and from .env in the current folder; .env.example documents each.
    """


for command in (demo, run, plan, coverage, docs, doctor, reshape, quarantine, sandbox):
    commands.add_command(command)


def _fail(message: str, code: int) -> None:
    click.echo(f"attendance-pipeline: {' '.join(message.split())}", err=True)
    sys.exit(code)
