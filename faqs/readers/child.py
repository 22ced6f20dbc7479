"""Runs alone: a stranger's file on stdin, what is in it as JSON on stdout, under hard limits.

Started as `python -m faqs.readers.child KIND [OPTION]`; imports neither Django nor settings.
"""

import importlib
import json
import resource
import sys

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 10
# Each has `extract(data, option)`; only the one that is needed is imported.
_PARSERS = {
    "xlsx": "faqs.readers.workbook",
    "docx": "faqs.readers.docx",
    "pdf": "faqs.readers.pdf",
    "page": "faqs.readers.page",
}


def limit() -> None:
    """Lower this process's own limits: memory, processor time, and no core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read stdin, write stdout; every failure is an answer, not a traceback."""
    limit()
    kind, option = (*sys.argv[1:], "")[:2]
    parser = importlib.import_module(_PARSERS[kind])
    data = sys.stdin.buffer.read()
    try:
        found = parser.extract(data, option)
    except MemoryError:
        found = {"error": "too much"}
    except Exception:  # a stranger's file may break the parser anywhere
        found = {"error": "damaged"}
    sys.stdout.buffer.write(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


if __name__ == "__main__":
    main()
