"""Gradio's part: the page's frame and the API of ``gradio_client`` and MCP; nothing else here names Gradio."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # it reports home unless told otherwise before it is imported
