"""The faqs room's migrations, and one that not every schema's rows allow."""

from faqs import migrations

__path__ = [*migrations.__path__, *__path__]
