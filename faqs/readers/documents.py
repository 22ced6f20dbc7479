"""Word documents, PDFs and pages of websites: parsed in the child process, rows out."""

from faqs.readers import apart, archives, base

_PROBLEMS = {
    "damaged": archives.DAMAGED,
    "encrypted": (
        "This PDF is protected by a password. Save a copy without the password (print it to PDF) "
        "and upload that."
    ),
    "scan": (
        "This PDF holds pictures of pages and no text, as a scanner or a phone's camera makes "
        "them. Upload the document that it was made from, or type the questions in."
    ),
    "pages": (
        "This PDF has more than {limit} pages. Save only the pages with questions and answers as "
        "a new PDF, and upload that."
    ),
    "empty": "There is no text in it. Choose the file or page that holds your questions.",
}


def read(kind: str, data: bytes, *, option: str = "") -> base.Table:
    """Return the rows of a document ("docx", "pdf") or a page ("page"). Raises UnableToReadFile."""
    found = apart.parse(kind, data, option)
    if problem := found.get("error"):
        sentence = _PROBLEMS.get(problem, archives.DAMAGED)
        raise base.UnableToReadFile(sentence.format(limit=found.get("limit")))
    return base.of_pairs(found)
