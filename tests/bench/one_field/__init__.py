"""The faqs room's migrations, and one more: a field and its index."""

from faqs import migrations

__path__ = [*migrations.__path__, *__path__]
