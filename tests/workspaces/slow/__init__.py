"""The faqs room's migrations, and one that takes its time in the middle of a schema."""

from faqs import migrations

__path__ = [*migrations.__path__, *__path__]
