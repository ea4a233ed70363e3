"""`seawall explain TEXT --check`: what a text says and what is measured, as one answer."""

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from seawall.cli import doctor, examine
from seawall.cli.common import Common
from seawall.cli.look import look_of, printed

if TYPE_CHECKING:
    from seawall.causes.verdict import Verdict


def merged(common: Common, read: "Verdict", masked: str, held_key: bool) -> int:
    """Runs the doctor with the text as one more piece of evidence; prints the case, and what the text was read as."""
    from seawall.causes.cause import load
    from seawall.doctor.check import Result, checks
    from seawall.doctor.said import CHECK as TEXT
    from seawall.doctor.said import finding, says

    subject = examine.subject_of(common)
    results = doctor.measured(common, subject, checks())
    told = Result(TEXT, finding(read))
    case = examine.case_of(subject, (*results, told), time.time())
    case = replace(case, results=results)
    code = doctor.code_of(case)
    if common.json:
        from seawall.view import explanation_data

        whole = examine.json_of(case, code)
        told_only = explanation_data.of_text(read, load(read.cause), masked, held_key, case.now, code)
        whole["read"] = told_only["read"] | {"basis": "text and measurement"}
        click.echo(json.dumps(whole))
        return code
    from seawall.view import explanation

    doctor.answer(common, case)
    look = look_of(common)
    lines = ["", *explanation.row("Read as", [f"{read.cause} · {says(read, case)}"], look)]
    if held_key:
        lines += ["", *explanation.wrapped(explanation.KEY_NOTE, look.edge)]
    printed(lines)
    return code
