"""onnxruntime, told before it is loaded that it reports nothing to anybody.

Its official builds for Linux send what they run to their maker, and keep a device's id, unless
one of these says otherwise when the library starts (onnxruntime #27379, #29843).
"""

import os

for _name in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
    os.environ[_name] = "1"

import onnxruntime  # noqa: E402 - the words above must be said first

__all__ = ["onnxruntime"]
