"""The simulator's server: `gunicorn config.wsgi_simulator --workers 1 --threads 32`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_simulator"
django_application = get_wsgi_application()

from connections.simulator import fast, persistence, stage  # noqa: E402  # after the settings

application = fast.shortened(django_application)
stage.start()
if stage.state_file:
    persistence.start(stage.state_file)
