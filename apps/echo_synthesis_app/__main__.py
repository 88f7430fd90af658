"""``python echo_synthesis_app -i INPUT -o OUTPUT -m BUNDLE``"""

from __future__ import annotations

import sys

from app import EchoSynthesisApp

from monai_echosynth.integrations.run_app import run_app

if __name__ == "__main__":
    sys.exit(run_app(EchoSynthesisApp))
