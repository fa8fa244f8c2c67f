"""The style rules that no linter knows, as functions from source text to the faults found in it."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator

LINES_MAX = 400
"""[lines] of a module; source: the style sheet."""

FUNCTION_LINES_MAX = 60
"""[lines] of a function; source: the style sheet."""

FOLDER_ENTRIES_MAX = 14
"""[-] files and folders in a folder; source: the style sheet."""

NO_ENTRIES = frozenset({"__init__.py", "__pycache__"})
"""[-] names that do not count in a folder."""

MESSAGES = frozenset({"Event", "Command", "Report", "Refusal"})
"""[-] what a message derives from; these are shapes and no messages themselves."""

CLOCKS = frozenset(
    {f"time.{name}" for name in ("time", "monotonic", "perf_counter", "process_time")}
    | {f"time.{name}_ns" for name in ("time", "monotonic", "perf_counter", "process_time")}
    | {"time.clock_gettime", "time.clock_gettime_ns", "time.localtime"}
    | {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")}
    | {"datetime.date.today"}
)
"""[-] what only the clock module may name."""

UNIT = re.compile(r"^\[[^\]]+\] ")
TAG = re.compile(r"^[a-z]+(_[a-z]+)*\.v[1-9][0-9]*$")

SILENCED = re.compile(
    r"# ?(?:noqa|(?:type|pyright): ?ignore)(?P<rule>[:\[][\w\[\]:, -]+)?(?P<rest>.*)"
)
REASON = re.compile(r"\s+# \w.*")

FORBIDDEN_TEXT = (
    *(f"/{folder}/" for folder in ("work", "root", "home")),
    *(f"/opt/{folder}" for folder in ("wheels", "pypi")),
    "../" + "shared",
    *(f"{host}.org" for host in ("pypi", "pythonhosted")),
    "registry." + "npmjs",
)
"""[-] paths of one machine and hosts of one registry; a clone works anywhere."""


def size_faults(text: str) -> Iterator[str]:
    """Find a module or function that is too long, or a module that does not say what it is."""
    tree = ast.parse(text)
    if not ast.get_docstring(tree):
        yield "module docstring missing"
    if text.count("\n") > LINES_MAX:
        yield f"module has {text.count(chr(10))} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines >= FUNCTION_LINES_MAX:
                yield f"{node.name} has {lines} lines"


def folder_faults(names: Iterable[str]) -> Iterator[str]:
    """Find a folder with more entries than can be looked over."""
    count = len(set(names) - NO_ENTRIES)
    if count > FOLDER_ENTRIES_MAX:
        yield f"folder has {count} entries"


def init_faults(text: str) -> Iterator[str]:
    """Find anything but one docstring in an `__init__.py`."""
    tree = ast.parse(text)
    if len(tree.body) != 1 or not ast.get_docstring(tree):
        yield "holds more or less than one docstring"


def struct_names(trees: Iterable[ast.Module]) -> tuple[frozenset[str], frozenset[str]]:
    """Name every struct and every message of a room, derived over any number of steps."""
    classes = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    structs, messages, before = {"Struct"} | MESSAGES, set(MESSAGES), -1
    while before != len(structs) + len(messages):
        before = len(structs) + len(messages)
        for node in classes:
            bases = {_last_name(base) for base in node.bases}
            structs |= {node.name} if bases & structs else set()
            messages |= {node.name} if bases & messages else set()
    return frozenset(structs), frozenset(messages - MESSAGES)


def vocabulary_faults(text: str, *, structs: frozenset[str], messages: frozenset[str]) -> list[str]:
    """Find a message without a versioned tag, or a field of a struct without its unit."""
    faults: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef) or node.name not in structs:
            continue
        if node.name in messages and not TAG.match(tag_of(node)):
            faults.append(f"{node.name} has the tag {tag_of(node)!r}")
        for field, after in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
            if not isinstance(field, ast.AnnAssign) or "ClassVar" in ast.unparse(field.annotation):
                continue
            doc = after.value if isinstance(after, ast.Expr) else None
            if not isinstance(doc, ast.Constant) or not UNIT.match(str(doc.value)):
                faults.append(f"{node.name}.{ast.unparse(field.target)} does not state its unit")
    return faults


def tag_of(node: ast.ClassDef) -> str:
    """Read the tag of a message; empty if it has none that is written out."""
    values = [keyword.value for keyword in node.keywords if keyword.arg == "tag"]
    tags = [value.value for value in values if isinstance(value, ast.Constant)]
    return str(tags[0]) if tags else ""


def clock_faults(text: str) -> Iterator[str]:
    """Find a clock that is named, or the time of an event loop that is asked."""
    tree = ast.parse(text)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {a.asname or a.name: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            yield from (
                f"line {node.lineno}: {node.module}.{a.name}"
                for a in node.names
                if f"{node.module}.{a.name}" in CLOCKS
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _dotted(node, known) in CLOCKS:
            yield f"line {node.lineno}: {_dotted(node, known)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = node.func.attr == "time" and not node.args and not node.keywords
            if asked and _dotted(node.func, known) not in CLOCKS:
                yield f"line {node.lineno}: time of a loop"


def except_faults(text: str, *, at_process_edge: bool) -> Iterator[str]:
    """Find a bare `except`, and away from the process edge one that catches everything."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"line {node.lineno}: bare except"
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = {_last_name(kind) for kind in kinds} & {"Exception", "BaseException"}
        if broad and not at_process_edge:
            yield f"line {node.lineno}: except {min(broad)}"


def assert_faults(text: str) -> Iterator[str]:
    """Find an `assert`, which `python -O` removes."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert"


def silence_faults(text: str) -> Iterator[str]:
    """Find a judge that is silenced as a whole, or without a reason beside it."""
    # Most modules silence nobody: only where the words stand is it worth to read each token.
    tokens = tokenize.generate_tokens(io.StringIO(text).readline) if SILENCED.search(text) else ()
    for token in tokens:
        found = SILENCED.match(token.string) if token.type == tokenize.COMMENT else None
        if found and not (found["rule"] and REASON.fullmatch(" " + found["rest"].lstrip())):
            yield f"line {token.start[0]}: {token.string}"


def text_faults(data: bytes) -> Iterator[str]:
    """Find the path of one machine or the host of a registry."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        yield from (f"line {number}: {text}" for text in FORBIDDEN_TEXT if text.encode() in line)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2].partition("[")[0]


def _dotted(node: ast.Attribute, known: dict[str, str]) -> str:
    first, _, rest = ast.unparse(node).partition(".")
    return f"{known.get(first, '')}.{rest}"
