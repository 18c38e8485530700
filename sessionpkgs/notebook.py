"""Executing a notebook from the command line, through nbclient, with the extension loaded.

It starts a real kernel, writes the executed notebook whatever happens, and reads our records out of its outputs. It
does not know packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessionpkgs import errors
from sessionpkgs.errors import EngineMissing, SessionPkgsError, SpecError

MIME = "application/vnd.sessionpkgs.env.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What came of a run: the error's sentence and its cell (from 1), or "" and 0; records in order; exit code."""

    error: str = ""
    cell: int = 0
    code: int = 0
    records: tuple[dict[str, Any], ...] = ()

    @property
    def packages(self) -> tuple[tuple[str, str, str], ...]:
        """Name, version and sha256 of what the last record that brought packages brought."""
        from sessionpkgs.session.recorded import brought

        rows = brought(self.records).get("packages", ())
        return tuple((row["name"], row["version"], row["sha256"]) for row in rows if row["layer"] == "session")


def execute(notebook: Path, output: Path, *, kernel: str = "", timeout: int = 1800) -> Executed:
    """Run every cell of *notebook* in its own folder and write the result to *output*.

    Raises :class:`EngineMissing` without nbclient and :class:`SpecError` for a file that is not a notebook.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise EngineMissing(
            f"running notebooks needs {error.name}", hint="pip install 'sessionpkgs[run]'", item=str(error.name)
        ) from None
    book = _read(notebook)
    named = kernel or book.metadata.get("kernelspec", {}).get("name", "python3")
    client = NotebookClient(
        book,
        timeout=timeout,
        kernel_name=named,
        extra_arguments=[] if _loads_it(book) else ["--ext=sessionpkgs"],
        resources={"metadata": {"path": str(notebook.resolve().parent)}},
    )
    problem: tuple[str, str] | None = None
    try:
        client.execute()
    except CellExecutionError as error:
        problem = (error.ename, error.evalue)
    except CellTimeoutError:
        problem = ("DeadlineError", f"a cell ran longer than {timeout} s")
    except DeadKernelError:
        problem = ("DeadKernelError", "the kernel died")
    finally:
        nbformat.write(book, output)
    return _outcome(book, problem)


def _read(notebook: Path) -> Any:
    """The notebook in the file, in the newest form."""
    import nbformat

    try:
        return nbformat.read(notebook, as_version=4)
    except OSError as error:
        raise SpecError(f"{notebook} cannot be read: {error.strerror}", item=str(notebook)) from None
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise SpecError(f"{notebook} is not a notebook: {str(error).splitlines()[0]}", item=str(notebook)) from None


def _loads_it(book: Any) -> bool:
    """Whether a cell of *book* loads the extension itself; it would be told that it is loaded already."""
    return any("%load_ext sessionpkgs" in cell.source for cell in book.cells if cell.cell_type == "code")


def _outcome(book: Any, problem: tuple[str, str] | None) -> Executed:
    """Records in the outputs of *book*, and the *problem* with the cell that shows it."""
    outputs = [(number, output) for number, cell in enumerate(book.cells, 1) for output in cell.get("outputs", ())]
    shown = (output["data"][MIME] for _, output in outputs if MIME in output.get("data", {}))
    records = tuple(one for one in shown if "dropped" in one)  # the others are answers to questions
    if problem is None:
        return Executed(records=records)
    name, sentence = problem
    cell = next((number for number, output in outputs if output["output_type"] == "error"), 0)
    kind = getattr(errors, name, None)
    code = kind.exit_code if isinstance(kind, type) and issubclass(kind, SessionPkgsError) else 1
    return Executed(error=f"{name}: {errors.clean(sentence)}", cell=cell, code=code, records=records)
