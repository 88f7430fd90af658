"""MONAI Deploy in an environment of its own, named by its interpreter: applications are started there as a user would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_echosynth.errors import EchoSynthError

__all__ = ["DeployRunner"]


@dataclass(frozen=True)
class DeployRunner:
    """MONAI Deploy in an environment of its own.

    Attributes:
        python: interpreter of that environment.
    """

    python: Path

    def check(self, requirements: Sequence[Path] = ()) -> str:
        """Version of the SDK.

        Args:
            requirements: ``requirements.txt`` files that the environment must meet.

        Raises:
            EchoSynthError: the SDK does not start, or a requirement is not met.
        """
        code = (
            "import sys, pathlib, importlib.metadata as m; version = m.version('monai-deploy-app-sdk');"
            "import monai_echosynth.integrations.app_folder as a;"
            "[a.check_installed(pathlib.Path(path)) for path in sys.argv[1:]]; import monai.deploy.core; print(version)"
        )
        command = [str(self.python), "-c", code, *map(str, requirements)]
        done = self._run(command) if self.python.is_file() else None
        if done is None or done.returncode:
            reason = "no such interpreter" if done is None else (done.stderr.strip().splitlines() or ["it stopped"])[-1]
            raise EchoSynthError(
                f"MONAI Deploy is needed in the environment of {self.python}, got '{reason}': run 'make demo-deploy', which"
                " sets it up"
            )
        return done.stdout.split()[-1]

    def run(self, app: Path, source: Path, out: Path, bundle: Path, settings: Path | None = None) -> str:
        """Runs an application and returns what it printed.

        Args:
            app: application folder.
            source: input file or folder.
            out: output folder.
            bundle: model folder.
            settings: ``app.yaml`` to use instead of the application's own.

        Raises:
            EchoSynthError: it failed; the text is its own last error line.
        """
        command = [str(self.python), str(app), "-i", str(source), "-o", str(out), "-m", str(bundle)]
        done = self._run(command, {"HOLOSCAN_CONFIG_PATH": str(settings)} if settings else {})
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        if done.returncode:
            errors = [line for line in lines if line.startswith("echosynth: error: ")]
            reason = (errors or lines or ["no output"])[-1].removeprefix("echosynth: error: ")
            raise EchoSynthError(reason if errors else f"{app.name} must end well, got '{reason}': run it by hand")
        return "\n".join(lines)

    def _run(self, command: list[str], extra: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Starts a command with the CUDA runtime of the environment, which Holoscan loads even where there is no GPU."""
        libraries = [*self.python.parent.parent.glob("lib/python3.*/site-packages/nvidia/cu13/lib")]
        paths = [*map(str, libraries), os.environ.get("LD_LIBRARY_PATH", "")]
        own = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        environment = {**own, "LD_LIBRARY_PATH": ":".join(filter(None, paths)), **(extra or {})}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, errors="replace")
