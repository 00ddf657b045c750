"""JupyterLab as `make lab` starts it: on the course map, with private kernel connections.

labconfig/default_setting_overrides.json beside this file shows Markdown rendered and asks nothing about news.
"""

c.LabApp.default_url = "/lab/tree/README.md"  # noqa: F821
c.KernelManager.transport_encryption = "required"  # noqa: F821
