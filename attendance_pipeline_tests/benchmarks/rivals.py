"""What we compare with, in an environment of its own: what that depends on can't disturb our pins."""

import subprocess
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv" / "benchmark"


def python() -> Path:
    """The interpreter that has what we compare with, installed if it wasn't.

    Raises:
        CalledProcessError: it can't be installed.
    """
    interpreter = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / "ready"
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["benchmark"]
    if not ready.exists() or ready.read_text() != str(wanted):
        venv.create(ENVIRONMENT, with_pip=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted], check=True, stdout=subprocess.DEVNULL)
        ready.write_text(str(wanted))
    return interpreter


def versions(interpreter: Path, *names: str) -> str:
    """Of these packages in that environment."""
    said = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([str(interpreter), "-c", said, *names], check=True, capture_output=True, text=True)
    return ", ".join(f"{name} {found}" for name, found in zip(names, done.stdout.split(), strict=True))
