"""The front door for webhooks, for an ASGI server. Pages are in config.wsgi."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config import canary  # noqa: E402 - needs the settings
from connections.edge.door import Door  # noqa: E402

application = Door(before_opening=canary.refuse)
