"""Entry of the picture worker: `python -I accounts/pictures/worker`. Started by
accounts/pictures/sandbox.py."""

import sys
from pathlib import Path

# Isolated mode (-I) leaves the folder of the project out. Last, so that it replaces no module of others.
sys.path.append(str(Path(__file__).resolve().parents[3]))

from accounts.pictures.worker.run import main

sys.exit(main())
