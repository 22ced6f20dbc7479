"""Make a workspace with its schema, its owner and a trial."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from lib import clock
from workspaces import schemas, scope
from workspaces.models import User
from workspaces.operating import AskedWrongly, OperatorCommand, anticipates


class Command(OperatorCommand):
    help = "Make a workspace. The owner's account is made when there is none with that e-mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="the business's name")
        parser.add_argument("--slug", required=True, help="its address: /w/SLUG/")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who owns it")
        parser.add_argument("--country", default="NG", help="two letters, default NG")
        parser.add_argument(
            "--time-zone", default="", help="such as Africa/Lagos; default by country"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    @anticipates(schemas.UnableToCreateWorkspace)
    def handle(self, *args: Any, **options: Any) -> None:
        email = options["owner"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise AskedWrongly("--owner is not an e-mail address.") from error
        with scope.system():
            owner, _ = User.objects.get_or_create(email=email)
        space = schemas.create(
            name=options["name"],
            slug=options["slug"],
            country=options["country"],
            time_zone=options["time_zone"],
            owner=owner,
            actor_kind="command",
            now=clock.now(),
        )
        if options["json"]:
            self.print_json(
                {"id": space.pk, "slug": space.slug, "owner": email, "path": f"/w/{space.slug}/"}
            )
        else:
            self.stdout.write(f"Made workspace {space.slug} for {email}: /w/{space.slug}/")
