"""Graph files: the value of a selection is the weight of the edges inside it, in every dialect."""

import gzip
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.formats._problems import read_with_format

nx = pytest.importorskip("networkx")
pd = pytest.importorskip("pandas")
scipy_io = pytest.importorskip("scipy.io")

Write = Callable[[str | bytes], Path]
few = settings(deadline=None, derandomize=True, max_examples=6)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "graph"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def weight_of(problem: so.QuadraticSelection, *names: object) -> float:
    """Return the value of the nodes of these names."""
    assert problem.names is not None
    chosen = [problem.names.index(name) for name in names]
    return problem.stated(problem.objective(chosen))


# -- every dialect against networkx ----------------------------------------------------------------


def weighted_edgelist(graph: Any) -> bytes:
    stream = io.BytesIO()
    nx.write_weighted_edgelist(graph, stream)
    return stream.getvalue()


def frame(graph: Any) -> Any:
    return nx.to_pandas_edgelist(graph)


def kcluster(graph: Any) -> bytes:
    edges = [f"{u + 1} {v + 1} {w!r}" for u, v, w in graph.edges(data="weight")]
    return "\n".join([f"{len(graph)} 3 {len(edges)}", *edges, ""]).encode()


def rudy(graph: Any) -> bytes:
    edges = [f"{v + 1} {u + 1} {w!r}" for u, v, w in graph.edges(data="weight")]
    return "\n".join([f"{len(graph)} {len(edges)}", *edges, ""]).encode()


def matrix_market(graph: Any) -> bytes:
    stream = io.BytesIO()
    scipy_io.mmwrite(stream, nx.to_scipy_sparse_array(graph, nodelist=range(len(graph))))
    return stream.getvalue()


DIALECTS: dict[str, tuple[str, int, Callable[[Any], bytes]]] = {
    "networkx": ("edges", 0, weighted_edgelist),
    "csv": ("edges", 0, lambda g: frame(g).to_csv(index=False).encode()),
    "csv with an index": ("edges", 0, lambda g: frame(g).to_csv().encode()),
    "csv of other columns": (
        "edges",
        0,
        lambda g: (
            frame(g).assign(kind="x")[["kind", "weight", "target", "source"]].to_csv().encode()
        ),
    ),
    "semicolons": ("edges", 0, lambda g: frame(g).to_csv(index=False, sep=";").encode()),
    "tsv without a header": (
        "edges",
        0,
        lambda g: b"# a comment\n% another\n\n" + weighted_edgelist(g).replace(b" ", b"\t"),
    ),
    "byte-order mark": ("edges", 0, lambda g: b"\xef\xbb\xbf" + weighted_edgelist(g)),
    "Windows": ("edges", 0, lambda g: weighted_edgelist(g).replace(b"\n", b"\r\n")),
    "gzip": ("edges", 0, lambda g: gzip.compress(weighted_edgelist(g))),
    "kcluster": ("kcluster", 1, kcluster),
    "rudy": ("rudy", 1, rudy),
    "MatrixMarket": ("matrix-market", 0, matrix_market),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 9))
@few
def test_every_dialect_states_the_graph(
    dialect: str, seed: int, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    generator = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(n, 0.6, seed=seed)
    graph.add_edges_from([(i, i + 1) for i in range(n - 1)])
    for _, _, data in graph.edges(data=True):
        data["weight"] = float(generator.normal())
    form, base, text = DIALECTS[dialect]
    path = tmp_path_factory.getbasetemp() / f"graph-{dialect.replace(' ', '-')}"
    path.write_bytes(text(graph))
    reading = read_with_format(path, k=3, format=None if dialect != "rudy" else "rudy")
    problem = reading.problem
    assert reading.format == form
    assert "each edge once" in reading.convention
    assert (problem.n, problem.k, problem.sense) == (n, 3, "maximise")
    for _ in range(4):
        chosen = problem.draw(generator)
        names = [int(name) for name in problem.names_of(chosen)]  # type: ignore[call-overload]
        shift = base if problem.names is not None else 0
        inside = graph.subgraph([name - shift for name in names]).size(weight="weight")
        assert problem.stated(problem.objective(chosen)) == pytest.approx(inside, abs=1e-12)


# -- weights as they stand -------------------------------------------------------------------------


def test_kcluster_weights_as_they_stand(write: Write) -> None:
    graph = "3 2 3\n1 2 {0}\n1 3 {0}\n2 3 {0}\n"
    for weight, value in (("1", 1), ("0.5", 1), ("2.5", 2.5), ("0.25", 0.25)):
        problem = so.read_problem(write(graph.format(weight)))
        assert problem.stated(problem.objective([0, 1])) == value
    mixed = so.read_problem(write("3 2 3\n1 2 0.5\n1 3 1\n2 3 2\n"))
    assert [mixed.stated(mixed.objective(pair)) for pair in ([0, 1], [0, 2], [1, 2])] == [0.5, 1, 2]


def test_lists_without_weights_count_edges(write: Write) -> None:
    for text in (
        "b a\na c\nc b\n",
        "source,target\nb,a\na,c\nc,b\n",
        '"b"\t"a"\n"a"\t"c"\n"c"\t"b"',
    ):
        reading = read_with_format(write(text), k=2)
        assert reading.convention.startswith("number of edges inside the selection")
        assert reading.problem.names == ("b", "a", "c")
        assert weight_of(reading.problem, "a", "b") == 1


def test_the_sense_is_maximise_unless_named(write: Write) -> None:
    path = write("a,b,2\nb,c,1\n")
    assert so.read_problem(path, k=2).sense == "maximise"
    assert so.read_problem(path, k=2, sense="minimise").objective([0, 1]) == 2


def test_loops_count_once_and_are_said(write: Write) -> None:
    reading = read_with_format(write("a b 1\nb b 4\nb c 2\n"), k=2)
    assert weight_of(reading.problem, "a", "b") == 5
    assert "1 of them loops" in reading.convention


def test_numbers_of_nodes_and_their_order(write: Write) -> None:
    assert so.read_problem(write("10 3\n7 2\n2 1\n"), k=2).names == (1, 2, 3, 7, 10)
    assert so.read_problem(write("10.0,2.0,1\n7.0,2.0,1\n"), k=2).names == (2, 7, 10)
    assert so.read_problem(write("007,2\n7,2\n2,1\n"), k=2).names == ("007", "2", "7", "1")
    assert so.read_problem(write("-1 2\n2 x\nx y\n"), k=2).names == ("-1", "2", "x", "y")


# -- headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "edges", "header"),
    [
        ("source,target,weight\n0,1,1\n1,2,2\n0,2,3\n", 3, True),
        ("source target weight\n0 1 1\n1 2 2\n0 2 3\n", 3, True),
        ("From\tTo\na\tb\nb\tc\n", 2, True),
        ("x,y,z\nann,bob,1\nbob,cem,2\n", 2, True),  # the weight is no number
        ("x,y\n5,6\n6,7\n7,8\n", 3, True),  # the nodes are no numbers where all others are
        ("ann,bob\nbob,cem\n", 2, False),  # a node that occurs again
        ("ann,bob,1\nbob,cem,2\ncem,ann,4\n", 3, False),
        ("4 5 1.5\n5 6 1.5\n6 7 1\n7 8 1\n", 4, False),
        ("5,6\n6,7\n7,8\n", 3, False),
        ("0,1\n1,2\n2,3\n", 3, False),
        ("ann,bob\n", 1, False),
    ],
)
def test_headers(write: Write, text: str, edges: int, header: bool) -> None:
    known = "edges" if text.count("\n") == 1 else None
    reading = read_with_format(write(text), k=1, format=known)
    assert reading.format == "edges"
    assert f" {edges} edges" in reading.convention
    assert ("line 1 is a header" in reading.convention) == header


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ann,bob\ncem,dan\n", "line 1 may be a header or an edge: neither"),
        ("# comment\n\nann bob 1\ncem dan 1\n", "line 3 may be a header or an edge"),
        ("0,1\n5,6\n6,7\n", "line 1 may be column numbers or an edge"),
        ("0,1,2\n5,6,1\n6,7,1\n7,8,1\n", "line 1 may be column numbers or an edge"),
        ("source,target\nsource,a\na,target\n", "looks like a header, but 'source' is a node"),
        ("node,5\n5,6\n6,7\n", None),
    ],
)
def test_doubtful_headers(write: Write, text: str, words: str | None) -> None:
    path = write(text)
    if words is not None:
        with pytest.raises(so.InvalidOption, match=rf"{words}.*header true or false \(--header"):
            so.read_problem(path, k=1)
    lines = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
    for header in (True, False):
        reading = read_with_format(path, k=1, header=header)
        assert f" {lines - header} edges" in reading.convention


@pytest.mark.parametrize(
    "text",
    [
        "1,2,nan\n2,3,0.5\n3,4,1\n4,5,1\n",
        "1,2,NA\n5,6,0.5\n6,7,1\n7,8,1\n",
        "ann,bob,-\nbob,cem,1\n",
        "ann,bob,nan\ncem,dan,1\n",
    ],
)
def test_an_edge_without_a_weight_is_no_header(write: Write, text: str) -> None:
    path = write(text)
    with pytest.raises(so.InvalidOption, match=r"line 1 .*not a finite weight.*--no-header"):
        so.read_problem(path, k=1)
    with pytest.raises(so.InvalidFile, match=r"line 1: .*is not a finite number"):
        read_with_format(path, k=1, header=False)


# -- what could be two things ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("0,1,1.5\n1,2,2\n0,2,3\n", ("matrix", "edges")),
        ("0 1 1.5\n1 2 2\n0 2 3\n", ("matrix", "edges")),
        ("a,b,c\n0,1,1.5\n1,2,2\n0,2,3\n", ("matrix", "edges")),
        ("1,2\n3,4\n", ("matrix", "edges")),
        ("3 2 2\n1 2 1\n1 3 4\n", ("matrix", "edges", "kcluster")),
        ("3 2 2\n1 2 0.5\n2 3 0.5\n", ("matrix", "kcluster")),
        ("4 3\n1 2\n2 3\n1 3\n", ("rudy", "edges")),
    ],
)
def test_what_could_be_two_things(write: Write, text: str, readings: tuple[str, ...]) -> None:
    path = write(text)
    with pytest.raises(so.InvalidFile, match=r"say which: format (.matrix.|.rudy. or)") as one:
        so.read_problem(path, k=1)
    for reading in readings:
        assert f"'{reading}'" in str(one.value)
        k = None if reading == "kcluster" else 2
        assert read_with_format(path, k=k, format=reading).format == reading


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2\n1,0,3\n2,3,0\n",  # symmetric
        "0,1,2\n0,0,3\n0,0,0\n",  # a triangle: its edges would repeat a pair
        "0.5,1,2\n1,0,3\n2,3.0000000001,0\n",  # but for rounding
        "1,2,3,4\n0,0,0,0\n0,0,0,0\n0,0,0,0\n",
    ],
)
def test_matrices(write: Write, text: str) -> None:
    table = np.array([line.split(",") for line in text.splitlines()], dtype=float)
    assert so.read_problem(write(text), k=2) == so.QuadraticSelection(table, k=2)


@pytest.mark.parametrize(
    "text",
    [
        "0.5,1,2\n0,0,3\n1,0,0\n",  # 0.5 is no node
        "-1,2\n3,4\n",
        "1,2,3,4\n0,0,0,0\n1,0,0,0\n0,1,0,0\n",  # no list of edges has four columns
    ],
)
def test_a_square_table_that_is_not_symmetric_has_to_be_named(write: Write, text: str) -> None:
    path = write(text)
    with pytest.raises(so.InvalidFile, match=r"not a symmetric matrix: row \d has .*--format on"):
        so.read_problem(path, k=2)
    table = np.array([line.split(",") for line in text.splitlines()], dtype=float)
    assert so.read_problem(path, k=2, format="matrix") == so.QuadraticSelection(table, k=2)


@pytest.mark.parametrize(
    ("text", "form", "n"),
    [
        ("5 2 1\n1 2 1\n", "kcluster", 5),
        ("1 2 1\n1 3 1\n2 3 1\n3 4 1\n", "edges", 4),  # no k = 2 of n = 1
        ("3 2 9\n4 2 1\n1 3 1\n4 3 1\n", "edges", 4),  # no node 4 of 3
        ("1 2 0.5\n2 3 1\n3 4 1\n1 4 1\n", "edges", 4),
        ("3 5\n1 2\n2 3\n1 3\n3 3\n", "edges", 4),  # m is not the number of lines
        ("4 3\n1 2\n2 3\n3 4\n", "rudy", 4),  # as edges, 3 and 4 would be joined twice
        ("4 2\n1 2\n5 6\n", "edges", 5),  # no nodes 5 and 6 of 4
    ],
)
def test_headers_of_counts(write: Write, text: str, form: str, n: int) -> None:
    reading = read_with_format(write(text), k=1)
    assert (reading.format, reading.problem.n) == (form, n)


def test_a_matrix_with_names_of_rows(write: Write) -> None:
    named = pd.DataFrame([[0.0, 2.0], [2.0, 1.0]], index=["a", "b"], columns=["a", "b"])
    problem = so.read_problem(write(named.to_csv()), k=2)
    assert problem == so.QuadraticSelection(named.to_numpy(), k=2)
    assert problem.names == ("a", "b")


# -- pairs that occur twice ------------------------------------------------------------------------


def test_pairs_that_occur_twice(write: Write) -> None:
    path = write("a b 2\nb c 1\nb a 2\n")
    with pytest.raises(so.InvalidFile, match=r"line 3: 'b a', and line 1 holds the same pair.*sum"):
        so.read_problem(path, k=2, format="edges")
    with pytest.raises(so.InvalidFile, match="line 3"):
        so.read_problem(path, k=2)
    options: Any
    for options, value in (("sum", 4), ("once", 2)):
        problem = so.read_problem(path, k=2, duplicates=options)
        assert weight_of(problem, "a", "b") == value
    with pytest.raises(so.InvalidFile, match="line 2 holds the same pair with another weight"):
        so.read_problem(write("a c 1\na b 2\nb a 3\n"), k=2, duplicates="once")
    with pytest.raises(so.InvalidOption, match="duplicates must be "):
        so.read_problem(path, k=2, duplicates="twice")  # type: ignore[arg-type]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b 1\nb c\n", "line 2 has 2 columns, but the first line has 3"),
        ("a b c d e\nb c d e f\n", "line 2: 'b' is not a number"),
        ("source,target,weight\na,b,1\nb,,2\n", "line 3: a node is empty"),
        ("source,target,weight\na,b,1\nb,c,x\n", "line 3: 'x' is not a finite number"),
        ("source,target,weight\na,b,1\nb,c,nan\n", "line 3: 'nan' is not a finite number"),
        ("source,target,weight\na,b,1\nb,c,1_0\n", "line 3: '1_0' is not a finite number"),
        ("source;target;weight\na;b;0,5\n", "'0,5' is not a number; write decimals with a p"),
        ("0 1 {}\n1 2 {}\n2 3 {}\n3 4 {}\n", "write_weighted_edgelist"),
        ("source,target\n", "line 1 begins no known format"),
        ("a,b,1\n0.5,b,1\n", "line 2: nodes must be integers or names; got '0.5'"),
        ('a,b,1\nb,"c\nd",1\n', "line 2: a quoted field spans lines"),
        ('a,b,1\nb,"c"d,1\n', "line 2: "),
        (b"a,b\nb,\xff\n", "byte 6 is not UTF-8"),
        ("\ufeffa b\nb c".encode("utf-16"), "UTF-16 text; convert the file to UTF-8"),
    ],
)
def test_what_is_refused(write: Write, text: Any, words: str) -> None:
    with pytest.raises(so.InvalidFile, match=words):
        so.read_problem(write(text), k=1)
    with pytest.raises(so.InvalidFile, match=r"line 3: nodes must be integers in \[0, 2\]"):
        so.read_problem(write("3 3\n1 2\n2 3\n0 4\n"), k=1, format="rudy")


def test_a_list_states_no_k(write: Write) -> None:
    with pytest.raises(so.InvalidOption, match="lists of edges state no number to choose"):
        so.read_problem(write("a b 1\nb c 1\n"))


def test_options_that_a_format_has_not(write: Write) -> None:
    for option, value in (("duplicates", "sum"), ("header", True), ("sense", "maximise")):
        with pytest.raises(so.InvalidOption, match=f"{option} is {value!r}, which is for .*edges"):
            so.read_problem(write("5 2 1\n1 2 1\n"), **{option: value})  # type: ignore[arg-type]


@given(st.text("ab01.,; \t\n\"'{}#%-", max_size=40), st.sampled_from(["edges", "rudy", None]))
@settings(max_examples=300, deadline=None)
def test_anything_else_is_refused_in_words(text: str, form: str | None) -> None:
    from subsetopt.formats._graph_files import read_edges, read_rudy
    from subsetopt.formats._recognising import recognised

    read: Any = {"edges": read_edges, "rudy": read_rudy, None: lambda *a: recognised(*a[:2])}[form]
    with suppress(so.SubsetOptError):  # and nothing else
        read(text.encode(), "f", 1)


# -- MatrixMarket ----------------------------------------------------------------------------------

MM = "%%MatrixMarket matrix {}\n% a comment\n{}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (MM.format("coordinate pattern symmetric", "3 3 2\n2 1\n3 1\n"), 1),
        (MM.format("coordinate real symmetric", "3 3 2\n2 1 2.5\n3 1 1\n"), 2.5),
        (MM.format("coordinate integer general", "3 3 2\n1 2 4\n1 3 1\n"), 4),
        (MM.format("coordinate real general", "3 3 4\n1 2 4\n2 1 4\n1 3 1\n3 1 1\n"), 4),
        (MM.format("coordinate real general", "3 3 2\n1 1 4\n1 2 1\n"), 5),
    ],
)
def test_matrix_market_graphs(write: Write, text: str, value: float) -> None:
    reading = read_with_format(write(text), k=2)
    assert (reading.format, reading.problem.sense) == ("matrix-market", "maximise")
    assert reading.problem.stated(reading.problem.objective([0, 1])) == value


def test_matrix_market_matrices(write: Write) -> None:
    path = write(MM.format("array real general", "2 2\n1\n2\n3\n4\n"))
    wanted = so.QuadraticSelection([[1.0, 3.0], [2.0, 4.0]], k=1)
    assert so.read_problem(path, k=1) == wanted
    with pytest.raises(so.InvalidFile, match="neither symmetric nor a triangle"):
        so.read_problem(path, k=1, format="edges")
    coordinate = write(MM.format("coordinate real general", "2 2 2\n1 2 3\n2 1 2\n"))
    with pytest.raises(so.InvalidFile, match=r"neither symmetric .*'matrix' for m'Qm"):
        so.read_problem(coordinate, k=2)
    matrix = so.read_problem(coordinate, k=2, format="matrix")
    summed = so.read_problem(coordinate, k=2, duplicates="sum")
    assert matrix.objective([0, 1]) == summed.stated(summed.objective([0, 1])) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            MM.format("coordinate complex general", "2 2 1\n1 2 1 1\n"),
            "must be real, and general or symmetric; got complex and general",
        ),
        (MM.format("coordinate real skew-symmetric", "2 2 1\n2 1 1\n"), "skew-symmetric"),
        (MM.format("coordinate real general", "2 3 1\n1 2 1\n"), "must be square; got 2 x 3"),
        (MM.format("coordinate real general", "2 2 2\n1 2 1\n"), "cut short: Truncated"),
        (MM.format("coordinate real general", "2 2 999999999\n1 2 1\n"), "announces 9+ entries"),
        (MM.format("coordinate real general", "2 2 1\n1 3 1\n"), "out of bounds"),
        (MM.format("coordinate real general", "2 2 2\n1 2 1\n1 2 1\n"), r"entry \(1, 2\) is given"),
        (MM.format("coordinate real symmetric", "2 2 2\n1 2 1\n2 1 1\n"), "more than once"),
        (MM.format("coordinate real general", "2 2 1\n1 2 nan\n"), "finite"),
        ("%%MatrixMarket\n", "header is damaged"),
        ("%%MatrixMarket mat\x1b[31mrix\n", r"header is damaged: .*mat\\x1b\[31mrix"),
    ],
)
def test_matrix_market_that_is_refused(write: Write, text: str, words: str) -> None:
    with pytest.raises(so.InvalidFile, match=words):
        so.read_problem(write(text), k=1)


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "3000000000 2 1\n1 2 1\n",
        "3000000000 1\n1 2 1\n",
        "3000000000 1\n1 1 1\n",
        "1\n3000000000 1\n1 1 1\n",
        MM.format("coordinate pattern general", "3000000000 3000000000 1\n1 2\n"),
        "* #variable= 3000000000 #constraint= 1\nmin: x1; x1 = 1;",
    ],
)
def test_huge_sizes_are_refused_before_anything_is_allocated(write: Write, text: str) -> None:
    words = "3000000000|not over each of x1..x3000000000"
    with pytest.raises((so.TooLarge, so.InvalidFile), match=words):
        so.read_problem(write(text), k=1)


# -- the Biq Mac library ---------------------------------------------------------------------------


def test_biqmac(write: Write) -> None:
    reading = read_with_format(write("# by hand\n5 3\n1 1 4\n1 2 -3\n5 5 2\n"), k=2)
    assert (reading.format, reading.problem.n, reading.problem.sense) == ("biqmac", 5, "minimise")
    assert "products count twice" in reading.convention
    assert reading.problem.objective([0, 1]) == 4 - 2 * 3
    whole = read_with_format(write("3\n4 -3 0\n-3 0 0\n0 0 2\n"), k=2)
    assert (whole.format, whole.problem.objective([0, 1])) == ("biqmac", -2)
    turned = so.read_problem(write("3\n1 0 0\n0 1 0\n0 0 5\n"), k=1, sense="maximise")
    assert turned.stated(turned.objective([2])) == 5


def test_a_complete_list_of_three(write: Write) -> None:
    mdplib = read_with_format(write("3 3\n0 1 1\n0 2 2\n1 2 4\n"))
    assert (mdplib.format, mdplib.problem.k) == ("mdplib", 3)
    graph = read_with_format(write("3 3\n1 2 1\n1 3 2\n2 3 4\n"), k=2)
    assert (graph.format, graph.problem.names) == ("rudy", (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("3\n1 2 3\n2 1 0\n3 1 1\n", None, r"line 3: entry \(2, 3\) differs from its mirror image"),
        ("3\n1 2 3\n2 1 0\n", None, "n = 3 takes 9 entries; got 6"),
        ("5 3\n1 1 4\n1 2 -3\n", "biqmac", "announces 3 lines `i j q`; got 2"),
        ("5 2\n1 1 4\n1 2 -3\n1 3 1\n", "biqmac", "line 1 announces 2 entries"),
        ("5 2\n1 1 4\n1 2 -3\n", "mdplib", "'biqmac' or 'rudy' announces"),
        ("50 4\n1 1 3\n1 2 -4\n3 3 -1\n", None, "announces 4 lines `i j q`; got 3"),
        ("5 9\n1 2 4\n1 3 -3\n", None, "line 1 announces 9 edges; got 2"),
    ],
)
def test_biqmac_that_is_refused(write: Write, text: str, form: str | None, words: str) -> None:
    with pytest.raises(so.InvalidFile, match=words):
        so.read_problem(write(text), k=1, format=form)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_byte_order_mark_changes_nothing(write: Write, mark: str) -> None:
    texts = {
        "mdplib": "3 2\n0 1 1\n0 2 2\n1 2 4\n",
        "kcluster": "5 2 1\n1 2 1\n",
        "bqp": "1\n2 1\n1 2 7\n",
        "opb": "MIN : x1 - 2 x1 x2 ;\n+1 x1 + 1 x2 = 1;\n",
        "matrix": "1,2\n2,1\n",
        "edges": "a,b\nb,c\n",
        "biqmac": "5 1\n1 1 4\n",
        "rudy": "5 1\n1 2 4\n",
        "matrix-market": MM.format("coordinate pattern general", "2 2 1\n1 2\n"),
    }
    for form, text in texts.items():
        assert read_with_format(write(mark + text), k=1).format == form
