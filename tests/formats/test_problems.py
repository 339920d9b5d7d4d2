"""Instances in the formats that they are published in: what they mean, and what is refused."""

import io
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.formats._libraries import read_bqp, read_kcluster, read_mdplib
from subsetopt.formats._opb import read_opb

Write = Callable[[str | bytes], Path]

MDPLIB = "4 2\n0 1 1.5\n0 2 2\n0 3 3\n1 2 4\n1 3 5\n2 3 7\n"
KCLUSTER = "4 3 4\n1 2 0.5\n1 3 0.5\n2 3 0.5\n3 4 0.5\n"
BQP = " 2\n 3 4\n 1 1 5\n 1 2 -3\n 2 3 2\n 3 3 1\n 2 1\n 1 2 7\n"
OPB = (
    "* #variable= 4 #constraint= 1\n* by hand\n"
    "min: +5 x1 -3 x2 +4 x1 x3\n +7 x2 x4 ;\n+1 x1 +1 x2 +1 x3 +1 x4 = 2 ;\n"
)
MATRIX = "0,1\n1,2\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "instance"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# -- what the formats mean ------------------------------------------------------------------------


def test_mdplib_counts_each_pair_once(write: Write) -> None:
    problem = so.read_problem(write(MDPLIB))
    assert (problem.n, problem.k, problem.sense) == (4, 2, "maximise")
    assert problem.stated(problem.objective([2, 3])) == 7
    assert problem.objective([0, 1]) == -1.5
    assert so.read_problem(write(MDPLIB), k=3).objective([1, 2, 3]) == -(4 + 5 + 7)


def test_kcluster_counts_edges(write: Write) -> None:
    problem = so.read_problem(write(KCLUSTER))
    assert (problem.n, problem.k, problem.sense) == (4, 3, "maximise")
    assert problem.stated(problem.objective([0, 1, 2])) == 3
    assert problem.stated(problem.objective([1, 2, 3])) == 2
    assert so.read_problem(write("5 2 0\n")).Q.tolist() == np.zeros((5, 5)).tolist()
    assert so.read_problem(write(KCLUSTER), k=2).k == 2


def test_bqp_counts_products_twice_and_squares_once(write: Write) -> None:
    problem = so.read_problem(write(BQP), k=2, instance=1)
    assert (problem.n, problem.k, problem.sense) == (3, 2, "maximise")
    assert problem.stated(problem.objective([0, 1])) == 5 - 2 * 3
    assert problem.stated(problem.objective([1, 2])) == 2 * 2 + 1
    assert so.read_problem(write(BQP), k=2, instance=2).Q.tolist() == [[0, 7], [7, 0]]
    assert so.read_problem(write("1\n2 1\n1 2 7\n"), k=1).n == 2


def test_opb_counts_each_term_once(write: Write) -> None:
    problem = so.read_problem(write(OPB))
    assert (problem.n, problem.k, problem.sense) == (4, 2, "minimise")
    assert problem.objective([0, 2]) == 5 + 4
    assert problem.objective([1, 3]) == -3 + 7
    assert problem.objective([2, 3]) == 0


def test_opb_in_its_other_forms(write: Write) -> None:
    text = "max: 2 x2 x2 +1 x1 x2 +1 x2 x1;-3 x2 -3 x1 -3 x3=-6;"
    problem = so.read_problem(write(text))
    assert (problem.n, problem.k, problem.sense) == (3, 2, "maximise")
    assert problem.stated(problem.objective([0, 1])) == 2 + 2
    assert so.read_problem(write(text), k=1).k == 1
    large = 2**53 - 1
    problem = so.read_problem(write(f"min: {large} x1 +{large} x1 x2; +1 x1 +1 x2 = 2;"))
    assert problem.exact_objective([0, 1]) == 2 * large


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_matrix_in_text(write: Write, n: int) -> None:
    half = np.arange(n * n, dtype=float).reshape(n, n)
    matrix = half + half.T + 0.5
    for separator in (",", ";", " ", "\t"):
        stream = io.BytesIO()
        np.savetxt(stream, matrix, delimiter=separator)
        problem = so.read_problem(write(stream.getvalue()), k=1)
        assert problem == so.QuadraticSelection(matrix, k=1)


def test_a_matrix_as_an_array(tmp_path: Path) -> None:
    matrix = np.eye(3, dtype=np.float32)
    np.save(tmp_path / "m.npy", matrix)
    np.savez(tmp_path / "m.npz", a=matrix, b=2 * matrix)
    assert so.read_problem(tmp_path / "m.npy", k=2) == so.QuadraticSelection(matrix, k=2)
    assert so.read_problem(f"{tmp_path}/m.npz:b", k=2).Q[0, 0] == 2
    with pytest.raises(so.InvalidFile, match="2 arrays"):
        so.read_problem(tmp_path / "m.npz", k=2)


def test_windows_line_ends_and_blank_lines_at_the_end(write: Write) -> None:
    for text in (MDPLIB, KCLUSTER, OPB):
        other = text.replace("\n", "\r\n") + "\r\n\r\n"
        assert so.read_problem(write(other)) == so.read_problem(write(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [(MDPLIB, "mdplib"), (KCLUSTER, "kcluster"), (BQP, "bqp"), (OPB, "opb"), (MATRIX, "matrix")],
)
def test_a_named_format_is_the_recognised_one(write: Write, text: str, name: str) -> None:
    instance = 1 if name == "bqp" else None
    recognised = so.read_problem(write(text), k=2, instance=instance)
    assert so.read_problem(write(text), k=2, instance=instance, format=name) == recognised


# -- round trips ----------------------------------------------------------------------------------


@st.composite
def matrices(draw: st.DrawFn) -> NDArray[np.float64]:
    n = draw(st.integers(1, 7))
    numbers = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-9, 9).map(float)
    upper = np.zeros((n, n))
    for i in range(n):
        for j in range(i, n):
            upper[i, j] = upper[j, i] = draw(numbers)
    return upper


@given(matrices(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_round_trips(matrix: NDArray[np.float64], shuffled: Any) -> None:
    n = len(matrix)
    hollow = matrix - np.diag(matrix.diagonal())
    pairs = list(combinations(range(n), 2))
    shuffled.shuffle(pairs)
    lines = [f"{i} {j} {float(2 * matrix[i, j])!r}" for i, j in pairs]
    text = "\n".join([f"{n} 1", *lines])
    assert np.array_equal(read_mdplib(text.encode(), "f", None).problem.Q, hollow)

    lines = [f"{j + 1} {i + 1} {float(2 * matrix[i, j])!r}" for i, j in pairs]
    text = "\n".join([f"{n} {n} {len(pairs)}", *lines, ""])
    assert np.array_equal(read_kcluster(text.encode(), "f", None).problem.Q, hollow)

    both = [*pairs, *((i, i) for i in range(n))]
    lines = [f"{i + 1}\t{j + 1}  {float(matrix[i, j])!r}" for i, j in both]
    text = "\n".join(["2", "1 0", f"{n} {len(both)}", *lines, ""])
    assert np.array_equal(read_bqp(text.encode(), "f", 1, 2).problem.Q, matrix)


@given(matrices(), st.integers(1, 7), st.integers(-3, 3).filter(bool))
@settings(max_examples=60, deadline=None)
def test_opb_round_trip(matrix: NDArray[np.float64], k: int, factor: int) -> None:
    whole = np.trunc(matrix).astype(int)
    n = len(whole)
    squares = [f"{whole[i, i]:+d} x{i + 1}" for i in range(n)]
    products = [f"{whole[i, j]:+d} x{j + 1} x{i + 1}" for i, j in combinations(range(n), 2)]
    chosen = " ".join(f"{factor:+d} x{i + 1}" for i in reversed(range(n)))
    k = min(k, n)
    text = f"min: {' '.join([*products, *squares])} ;\n{chosen} = {factor * k} ;\n"
    problem = read_opb(text.encode(), "f", None).problem
    assert problem.k == k
    everyone = np.ones(n)
    value = everyone @ problem.Q @ everyone + problem.c.sum()
    assert value == whole.diagonal().sum() + sum(whole[i, j] for i, j in combinations(range(n), 2))
    assert np.array_equal(2 * problem.Q, whole - np.diag(whole.diagonal()))
    assert np.array_equal(problem.c, whole.diagonal())


@given(st.binary(max_size=60) | st.text("0123456789 .-+\nx=;:minax*,", max_size=60))
@settings(max_examples=300, deadline=None)
def test_anything_else_is_refused_in_words(content: bytes | str) -> None:
    given = content if isinstance(content, bytes) else content.encode()
    for read in (read_mdplib, read_kcluster, read_bqp, read_opb):
        with suppress(so.SubsetOptError):  # and nothing else
            assert read(given, "f", 1).problem.n >= 1


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        (b"\x00\x01\x02\x03", "binary data"),
        ("hello world\n", "line 1 begins no known format; known are mdplib, kcluster, bqp"),
        ("1 2 3 4\n5 6 7 8\n", "line 1 begins no known format"),
        ("3 2 2\n1 2 0.5\n2 3 0.5\n", "may be a matrix or a graph of two edges; say which"),
        # MDPLIB
        (MDPLIB.replace("4 2", "4 5"), r"line 1: m must be an integer in \[1, 4\]; got 5"),
        (MDPLIB.replace("4 2", "4 2.5"), "line 1: must be `n m`, in integers; got '4 2.5'"),
        (MDPLIB.replace("4 2", "x 2"), "line 1: must be `n m`"),
        (MDPLIB.replace("\n1 3 5", ""), "have 6 pairs; got 5; the file is cut short"),
        (MDPLIB + "0 1 2\n", "4 candidates have 6 pairs; got 7"),
        (MDPLIB.replace("1 3 5", "1 3"), "line 6: must be three numbers, `i j distance`; got 2"),
        (MDPLIB.replace("1 3 5", "1 3 5 6"), "line 6: must be three numbers.* got 4"),
        (MDPLIB.replace("1 3 5", "1 3 nan"), "line 6: 'nan' is not a finite number"),
        (MDPLIB.replace("1 3 5", "1 3 -1e999"), "line 6: '-1e999' is not a finite number"),
        (MDPLIB.replace("1 3 5", "1 3 1_0"), "line 6: '1_0' is not a finite number"),
        (MDPLIB.replace("1 3 5", "1 3 5,5"), "line 6: '5,5' is not a finite number"),
        (MDPLIB.replace("1 3 5", "1 4 5"), r"line 6: indices must be .*; got '1 4'"),
        (MDPLIB.replace("1 3 5", "1 -3 5"), r"line 6: indices must be integers in \[0, 3\]"),
        (MDPLIB.replace("1 3 5", "1 2.5 5"), r"line 6: indices must be .*; got '1 2.5'"),
        (MDPLIB.replace("1 3 5", "1 1 5"), "line 6: the two indices must differ"),
        (MDPLIB.replace("1 3 5", "2 1 5"), "line 6: each pair must .* is on line 5 too"),
        # k-cluster
        (KCLUSTER.replace("3 4 0.5\n", ""), "announces 4 lines `i j weight`; got 3"),
        (KCLUSTER + "2 4 0.5\n", "line 6: line 1 announces 4 entries; the file has more"),
        (KCLUSTER + "x\n", "line 6: line 1 announces 4 entries"),
        (KCLUSTER.replace("4 3 4", "4 0 4"), r"line 1: k must be an integer in \[1, 4\]; got 0"),
        (KCLUSTER.replace("3 4 0", "0 4 0"), r"line 5: indices must be integers in \[1, 4\]"),
        (KCLUSTER.replace("3 4 0", "2 1 0"), "line 5: each pair must .* is on line 2"),
        # bqp
        (BQP.replace(" 2 1\n 1 2 7\n", ""), "ends early: line 1 announces 2 instances; got 1"),
        (BQP.replace(" 1 2 7\n", ""), "ends early: the header announces 1 lines `i j q`; got 0"),
        (BQP + "5 5 5\n", "line 9: line 1 announces 2 instances; the file has more"),
        (BQP.replace("3 4", "3 3"), "line 6: must be `n entries`"),
        (BQP.replace("3 4", "0 4"), "line 2: n must be an integer >= 1; got 0"),
        (BQP.replace("2 3 2", "2 4 2"), r"line 5: indices must be integers in \[1, 3\]"),
        (BQP.replace("2 3 2", "2 1 2"), "line 5: each pair must .* is on line 4"),
        # OPB
        (OPB.replace(";", ""), "line 3: the statement has no `;` at its end"),
        (OPB.replace("= 2", ">= 2"), "line 5: the constraint is an inequality, `>=`"),
        (OPB.replace("= 2", "= 0"), "line 5: 1 times a count is to be 0"),
        (OPB.replace("= 2", "= 9"), r"line 5: 1 times a count is to be 9: none of 1\.\.4 is"),
        (OPB.replace("= 2", "2"), "line 5: a constraint is of the form"),
        (OPB.replace("+1 x4", ""), r"line 5: .* not over each of x1\.\.x4 once: x4 is not in it"),
        (OPB.replace("+1 x4", "+1 x3"), "line 5: .* x4 is not in it"),
        (
            OPB.replace("+1 x4", "+2 x4"),
            "line 5: the constraint is not a cardinality; supported is",
        ),
        (OPB.replace("+1 x4", "+1 x4 x1"), "line 5: the constraint is not a cardinality"),
        (OPB.replace("+1 x4", "+1 x4 +1 x1"), "line 5: .* a variable occurs twice"),
        (OPB.replace("+7 x2 x4", "+7 x2 x5"), "line 4: x5 is outside .* announces 4 variables"),
        (OPB[OPB.index("min") :].replace("x2 x4 ", "x2 x5 "), "line 2: x5 is not in the con"),
        (OPB.replace("+7 x2 x4", "+7 x2 x3 x4"), "line 4: a product of 3 variables; supported is"),
        (OPB.replace("+7 x2 x4", "+7 x2 ~x4"), "line 4: '~x4' is a negated variable"),
        (OPB.replace("+7 x2 x4", "+7.5 x2"), "line 4: '.7.5' is not an integer"),
        (OPB.replace("+7 x2 x4", "+7 x0"), "line 4: x0 is not a variable"),
        (OPB.replace("+7 x2 x4", "+7"), "line 4: the number 7 has no variable"),
        (OPB.replace("+5 x1", "+ +5 x1"), "line 3: '.5' is in the middle"),
        (OPB.replace("+7 x2 x4", "-"), "line 4: '-' has no term behind it"),
        (OPB.replace("+7 x2", "+7x2"), "line 4: '.7x2' is not an integer, a variable"),
        (OPB.replace("= 2", "!= 2"), "line 5: the constraint is an inequality, `!=`"),
        ("soft: 8 ;\n[2] +1 x1 >= 1 ;\n", "line 1: 'soft:' belongs to soft constraints .a WBO"),
        (OPB.replace("+7", f"+{2**53}"), r"line 4: magnitudes must be below 2\*\*53"),
        (OPB.replace("+7", "+" + "9" * 5000), r"line 4: magnitudes must be below 2\*\*53"),
        (OPB + "+1 x1 >= 0 ;\n", "line 6: the file has 1 objectives and 2 constraints; supported"),
        ("* empty\n", "line 1: the file has 0 objectives and 0 constraints"),
        (OPB.replace("min:", ""), "line 3: a constraint is of the form"),
    ],
)
def test_what_is_refused_and_where(write: Write, text: Any, words: str) -> None:
    path = write(text)
    given = 1 if text[:2] == " 2" else None
    with pytest.raises(so.InvalidFile, match=words) as caught:
        so.read_problem(path, k=given, instance=given)
    assert str(caught.value).startswith(f"{path}: ")


def test_terms_that_add_up_to_too_much(write: Write) -> None:
    text = f"min: {2**53 - 1} x1 x2 +1 x2 x1 ; +1 x1 +1 x2 = 1 ;"
    with pytest.raises(so.InvalidFile, match=r"line 1: the sum of equal terms reaches 2\*\*53"):
        so.read_problem(write(text))


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        (BQP, {"k": 2}, "holds 2 instances; name one, from 1 to 2"),
        (BQP, {"k": 2, "instance": 3}, r"instance must be an integer in \[1, 2\]; got 3"),
        (BQP, {"k": 2, "instance": 0}, r"instance must be an integer in \[1, 2\]; got 0"),
        (BQP, {"instance": 1}, "bqp files state no number to choose; give k"),
        (MATRIX, {}, "matrices state no number to choose; give k"),
        (MATRIX, {"k": 1, "instance": 1}, "instance is 1, .* a file of format matrix"),
        (MDPLIB, {"instance": 1}, "instance is 1, which is for bqp"),
        (
            MDPLIB,
            {"format": "dimacs"},
            "format must be 'mdplib', 'kcluster', 'bqp', 'opb'.*got 'dimacs'",
        ),
    ],
)
def test_what_has_to_be_named(write: Write, text: str, given: Any, words: str) -> None:
    with pytest.raises(so.InvalidOption, match=words):
        so.read_problem(write(text), **given)


def test_a_wrong_k_and_a_matrix_that_is_not_square(write: Write) -> None:
    with pytest.raises(so.InvalidProblem, match=r"k must be an integer in \[1, 4\]; got 5"):
        so.read_problem(write(MDPLIB), k=5)
    with pytest.raises(so.InvalidFile, match=r"must be square, \(n, n\); got shape \(2, 3\)"):
        so.read_problem(write("1,2,3\n4,5,6\n"), k=1, format="matrix")
    with pytest.raises(so.InvalidProblem, match="nan"):
        so.read_problem(write("1,nan\n4,5\n"), k=1, format="matrix")


def test_a_size_that_no_machine_holds(write: Write) -> None:
    with pytest.raises(so.TooLarge, match="10000000000 x 10000000000 matrix"):
        so.read_problem(write("10000000000 3 1\n1 2 0.5\n"))
