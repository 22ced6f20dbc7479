"""A process of a later version: it knows more migrations."""

import os

from config.settings import *  # noqa: F403

MIGRATION_MODULES = {"faqs": os.environ.get("LATER_FAQS", "tests.workspaces.later")}
