"""What the clinic returns: findings, each with its evidence and its cure, as text or as a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from textwrap import fill

import pandas as pd


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or suspicious.

    Args:
        name: the mistake in a few words.
        evidence: the numbers that give it away.
        cure: a line of code.
        section: the heading on the page "What does this error mean?" (book/errors.md) that explains it.
    """

    name: str
    evidence: str
    cure: str
    section: str


class NotChecked(Exception):
    """Raised by a check that cannot judge, with the reason."""


class WrongArgument(TypeError):
    """Raised by a check for an argument that the caller must correct."""


@dataclass
class Report:
    """The findings about one call or one training, what was looked for, and remarks on what is legal but notable.

    ``skipped`` lists the checks that could not be made, each with the reason.

    A report is true, as a list is, when it holds a finding.

    Example:
        >>> print(Report("cross_entropy", [Finding("a name", "a number", "some code", "A heading")]))
        1 finding in cross_entropy
        1. a name
           evidence: a number
           cure:     some code
           read:     book/errors.md, "A heading"
    """

    subject: str
    findings: list[Finding] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def ask(self, check: Callable, subject: object) -> Finding | None:
        """Run one check. One that raises finds nothing, and is listed as skipped: a look never breaks a healthy run."""
        name = name_of(check)
        try:
            found = check(subject)
        except WrongArgument:
            raise
        except Exception as error:
            said = str(error).strip().splitlines()[:1] or [""]
            reason = said[0] if isinstance(error, NotChecked) else f"{type(error).__name__}: {said[0][:80]}"
            self.skipped = list(dict.fromkeys([*self.skipped, f"{name} ({reason})"]))
            return None
        self.checked = list(dict.fromkeys([*self.checked, name]))
        return found

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        lines = [self._headline()]
        for number, one in enumerate(self.findings, 1):
            lines += [f"{number}. {one.name}", f"   evidence: {one.evidence}", f"   cure:     {one.cure}"]
            lines.append(f'   read:     book/errors.md, "{one.section}"')
        return "\n".join(fill(line, 88, subsequent_indent=13 * " ") for line in lines + self._rest())

    def _repr_html_(self) -> str:
        rows = [(one.name, one.evidence, one.cure, one.section) for one in self.findings]
        table = pd.DataFrame(rows, columns=["finding", "evidence", "cure", "read in book/errors.md"])
        with pd.option_context("display.max_colwidth", None):
            shown = table.to_html(index=False, justify="left") if rows else ""
        escaped = [line.replace("&", "&amp;").replace("<", "&lt;") for line in (self._headline(), *self._rest())]
        return f"<p>{escaped[0]}</p>{shown}" + "".join(f"<p>{line}</p>" for line in escaped[1:])

    def _headline(self) -> str:
        count = len(self.findings)
        found = {0: "Nothing found", 1: "1 finding"}.get(count, f"{count} findings")
        return f"{found} in {self.subject}"

    def _rest(self) -> list[str]:
        remarks = [f"Remark: {remark}" for remark in self.remarks]
        checked = [] if self.findings else ["Checked: " + ", ".join(self.checked) + "."]
        return remarks + checked + (["Not checked: " + ", ".join(self.skipped) + "."] if self.skipped else [])

    __repr__ = __str__


def name_of(check: Callable) -> str:
    """What a check looks for, in words."""
    return (check.func if isinstance(check, partial) else check).__name__.replace("_", " ")
