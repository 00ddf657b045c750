"""JupyterLab as the README starts it: on the course map, kernels' connections private, saving only what was changed.

labconfig/default_setting_overrides.json beside this file shows Markdown rendered and asks nothing about news.
"""

import os
import platform
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class CourseManager(AsyncLargeFileManager):
    """Stores notebooks without Python's version, which differs from machine to machine, and folding noted once.

    JupyterLab writes the version into each notebook that it opens and then takes the notebook for changed. So one that
    is opened has the version of this Python already, and one that is saved loses it.
    """

    async def get(self, path, *arguments, **options):
        model = await super().get(path, *arguments, **options)
        if model["type"] == "notebook" and model["content"]:
            model["content"]["metadata"].get("language_info", {})["version"] = platform.python_version()
        return model

    async def save(self, model, path=""):
        if model["type"] == "notebook" and model.get("content"):
            model["content"]["metadata"].get("language_info", {}).pop("version", None)
            for cell in model["content"]["cells"]:
                if "outputs_hidden" in cell["metadata"].get("jupyter", {}):
                    cell["metadata"].pop("collapsed", None)
        return await super().save(model, path)


os.environ.setdefault("JUPYTER_CONFIG_PATH", str(Path(__file__).resolve().parent))  # JupyterLab reads labconfig later
c.LabApp.default_url = "/lab/tree/README.md"  # noqa: F821
c.KernelManager.transport_encryption = "auto"  # noqa: F821
c.ServerApp.contents_manager_class = CourseManager  # noqa: F821
