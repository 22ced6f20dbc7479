from django.apps import AppConfig
from django.db.models.signals import post_delete
from django_tenants.signals import tenant_delete_callback


class WorkspacesConfig(AppConfig):
    name = "workspaces"

    def ready(self) -> None:
        # The library listens to the deletion of every model, to drop the schema of a workspace
        # (ours go by workspaces.schemas). With a listener Django reads all rows in full and then
        # deletes them by their ids: a condition ("only while it waits") no longer holds then, and
        # a large file is read into memory to be deleted.
        post_delete.disconnect(tenant_delete_callback)
