"""The machine's own server: what it is told when it starts."""

from pathlib import Path

from config.local import postgres


def test_its_log_holds_no_words_of_a_statement_that_failed() -> None:
    words = postgres._command(Path("/bin"), Path("/data"), port=1, is_durable=True)

    for setting in (
        "log_min_error_statement=panic",
        "log_parameter_max_length_on_error=0",
        "log_error_verbosity=terse",
    ):
        assert words[words.index(setting) - 1] == "-c"
