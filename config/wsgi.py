"""Pages and webhooks, for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from config import canary  # noqa: E402 - settings must be there before

canary.refuse()
