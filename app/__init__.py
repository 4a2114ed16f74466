"""Everything that runs without torch; knows models only through the files in ``exports/``."""

import os

# These libraries report home unless told otherwise before they are imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
