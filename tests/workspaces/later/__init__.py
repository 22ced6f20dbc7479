"""The faqs room's migrations, and some that a later version might bring."""

from pathlib import Path

from faqs import migrations

__path__ = [*migrations.__path__, *__path__]
LAST = max(path.stem for path in Path(migrations.__path__[0]).glob("0*.py"))
