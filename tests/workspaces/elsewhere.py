"""A database of its own, in which every schema may be migrated: no test undoes that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from lib import clock
from workspaces import blueprint, schemas, scope
from workspaces.models import User, Workspace


def database_url() -> str:
    """Return the address of this database, for processes and connections beside ours."""
    name = f"{os.environ['DATABASE_URL'].rpartition('/')[2]}_elsewhere"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


@contextmanager
def _entered() -> Iterator[None]:
    """Let this thread, and those that begin meanwhile, speak to the other database."""
    settings = connections.settings["default"]
    before, name = connections["default"], settings["NAME"]
    settings["NAME"] = database_url().rpartition("/")[2]
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before
        settings["NAME"] = name


@pytest.fixture(scope="module")
def other_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    name = database_url().rpartition("/")[2]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
        with django_db_blocker.unblock(), _entered():
            call_command("migrate", verbosity=0, interactive=False)
            with scope.system():
                User.objects.create_user("efe@shops.example")
        yield
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def make(slug: str) -> Workspace:
    """Make one more workspace there."""
    with scope.system():
        owner = User.objects.get(email="efe@shops.example")
    return schemas.create(name=slug, slug=slug, country="NG", owner=owner, now=clock.now())


@pytest.fixture
def shops(other_database: None, django_db_blocker: Any) -> Iterator[list[Workspace]]:
    """Four workspaces of today's version, in the other database."""
    with django_db_blocker.unblock(), _entered():
        blueprint.forget()
        yield [make(f"shop-{word}") for word in ("amber", "brown", "coral", "denim")]
        with scope.system():
            spaces = list(Workspace.objects.all())
        for space in spaces:
            schemas.delete(workspace=space, now=clock.now())


@pytest.fixture
def later(shops: list[Workspace], settings: Any) -> Iterator[None]:
    """Let this process be of a version with more migrations."""
    settings.MIGRATION_MODULES = {"faqs": "tests.workspaces.later"}
    blueprint.forget()
    yield
    settings.MIGRATION_MODULES = {}
    blueprint.forget()
