"""JupyterLab as the README starts it: on the course map, with private kernel connections.

labconfig/default_setting_overrides.json beside this file shows Markdown rendered and asks nothing about news.
"""

import os
from pathlib import Path

os.environ.setdefault("JUPYTER_CONFIG_PATH", str(Path(__file__).resolve().parent))  # JupyterLab reads labconfig later
c.LabApp.default_url = "/lab/tree/README.md"  # noqa: F821
c.KernelManager.transport_encryption = "required"  # noqa: F821
