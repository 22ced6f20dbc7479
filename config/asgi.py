"""The front door for webhooks, for an ASGI server. Pages are in config.wsgi."""

import os
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config import canary  # noqa: E402 - needs the settings
from connections.edge.door import Door  # noqa: E402

# The server imports this inside its event loop, where the database must not be asked.
with ThreadPoolExecutor(max_workers=1) as thread:
    thread.submit(canary.refuse).result()

application = Door()
