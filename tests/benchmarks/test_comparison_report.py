import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from subsetopt.benchmarks.analysis._comparison import compare
from subsetopt.benchmarks.reporting._change_table import change_document
from subsetopt.benchmarks.reporting._comparison_document import document
from subsetopt.benchmarks.reporting._comparison_findings import (
    conditions,
    family_failures,
    headlines,
    remarks,
)
from subsetopt.benchmarks.reporting._comparison_report import ComparisonReport
from subsetopt.benchmarks.reporting._live_table import LiveTable
from subsetopt.benchmarks.reporting._solver_table import columns, instances
from subsetopt.benchmarks.results import Results, Row
from subsetopt.errors import InvalidFile
from subsetopt.report import _number_format
from subsetopt.report._number_format import distance, duration, enumerated, size
from subsetopt.solution import Termination

Planted = Callable[..., Results]


@pytest.fixture
def report(planted_results: Planted) -> ComparisonReport:
    return ComparisonReport(planted_results())


def printed(report: ComparisonReport, width: int = 160) -> str:
    return document(report).to_terminal(width)


def drawn(table: LiveTable) -> str:
    return table.table().to_terminal(100)


def flat(text: str) -> str:
    """Return the text without the folding of lines."""
    return " ".join(text.split())


# -- what follows from results --------------------------------------------------------------------


def test_families_have_their_own_solvers_references_and_tolerances(
    report: ComparisonReport,
) -> None:
    assert [part.family.name for part in report.families] == ["mean-matching", "mmd", "quadratic"]
    for part in report.families:
        assert len(part.cases) == 6
        assert {row.family for row in part.rows} == {part.family.name}
        reference = {s.solver: s.times_faster for s in part.summaries}[part.family.reference]
        assert reference == 1.0
    mean_matching, mmd, _ = report.families
    assert {s.gap_median for s in mean_matching.summaries} == {None}
    assert all(s.gap_median is not None for s in mmd.summaries)
    assert not mean_matching.verdicts[0].relative
    assert mmd.verdicts[0].relative


def test_summaries_are_of_the_longest_limit_but_claims_of_all_rows(
    planted_results: Planted,
) -> None:
    results = planted_results(sizes=(128,), families=("mean-matching",), repeats=1)
    first = next(row for row in results.rows if row.solver == "exact")
    early = replace(first, objective=5.0, time_limit=0.05)
    (family,) = ComparisonReport(replace(results, rows=(early, *results.rows))).families
    summary = next(s for s in family.summaries if s.solver == "exact")
    assert (summary.runs, summary.error_max) == (2, 0.0)
    verdict = next(v for v in family.verdicts if v.solver == "exact")
    assert (verdict.claimed, verdict.beaten, verdict.excess) == (2, 1, 5.0)


def test_a_family_that_is_not_known_is_refused(planted_results: Planted) -> None:
    results = planted_results(families=("mmd",))
    cases = (replace(results.plan.cases[0], family="knapsack"),)
    with pytest.raises(InvalidFile, match=r"must be of mean-matching, .*; got 'knapsack'"):
        ComparisonReport(replace(results, plan=replace(results.plan, cases=cases)))


def test_plain_data_for_json(report: ComparisonReport) -> None:
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (found["suite"], found["complete"], len(found["rows"])) == ("planted", True, 432)
    assert [part["family"]["name"] for part in found["families"]] == [
        "mean-matching",
        "mmd",
        "quadratic",
    ]
    (scip,) = (s for s in found["families"][0]["summary"] if s["solver"] == "scip")
    assert (scip["runs"], scip["answered"]) == (18, 12)
    assert found["families"][2]["against_known"][0].startswith("exact on quadratic-b: NEW BEST")
    assert found["families"][0]["verdicts"][0]["text"].startswith('exact claims "optimal" on 4 of')


# -- sentences ------------------------------------------------------------------------------------


def test_findings_in_short(report: ComparisonReport) -> None:
    found = headlines(report)
    assert found[0].startswith(
        "mean-matching: swap is the fastest to be as good as the best of 1000 random subsets: "
        "on 6 of 6 instances, typically after 1.13 ms; cbc gets there on 3 of them, "
    )
    assert found[0].endswith(" times as late.")
    assert found[1] == (  # cbc never gets there
        "mean-matching: swap is the fastest to be off by 0.000001 or less: on 6 of 6 instances, "
        "typically after 1.13 ms."
    )
    assert sum("NEW BEST" in line for line in found) == 3
    refuted = 'mmd: better answers refute claims of "optimal": cbc on 2 of 2 and scip on 2 of 2.'
    assert refuted in found
    assert found[-1] == "18 of 432 runs failed: scip 18."


def test_findings_where_nothing_is_wrong_or_nothing_is_there(planted_results: Planted) -> None:
    good = planted_results(sizes=(128,), families=("mmd",), solvers=("swap", "exact"))
    found = headlines(ComparisonReport(good))
    assert found[-2:] == [
        'No answer here refutes a claim of "optimal".',
        f"None of the {len(good.rows)} runs failed.",
    ]
    assert headlines(ComparisonReport(replace(good, rows=()))) == []


def test_runs_without_an_answer_are_not_passed_over(planted_results: Planted) -> None:
    good = planted_results(sizes=(128,), families=("mmd",), solvers=("swap",), repeats=1)
    last = max(row.time_limit or 0.0 for row in good.rows)
    silent = tuple(
        replace(row, objective=None, indices=(), termination=Termination.TIME_LIMIT)
        for row in good.rows
        if row.time_limit == last or row.termination is not Termination.TIME_LIMIT
    )
    report = ComparisonReport(replace(good, rows=silent))
    found = headlines(report)
    assert found[-1] == f"{len(silent)} of {len(silent)} runs ended without an answer: swap 2."
    assert not any("None of" in line for line in found)
    assert list(family_failures(report.families[0])) == ["swap: no answer in 2 of 2 runs"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (23143499224.81, "> 1,000"),
        (-12.0, "< -1,000"),
        (10.0, "1,000"),
        (0.0125, "1.25"),
        (None, "-"),
    ],
)
def test_gaps_to_what_is_next_to_nothing_are_no_numbers(value: float | None, text: str) -> None:
    assert _number_format.gap(value) == text
    if value is not None:
        assert distance(value) == f"{text} %"


def test_how_it_was_measured(planted_results: Planted) -> None:
    results = planted_results()
    found = conditions(ComparisonReport(results))
    assert found["settings"] == (
        "3 repeats, at most 0.1 s and 1 s per solve, 1 thread, at most 4.0 GiB of memory, seed 0"
    )
    assert found["machine"].startswith("Planted Processor @ 2.50GHz, 2 cores, ")
    assert found["measured"] == "432 runs, from 2025-01-02 03:04 UTC"
    later = replace(
        results.sessions[0],
        started="2025-01-03T00:00:00+00:00",
        machine=replace(results.sessions[0].machine, cpu="Another"),
        commit="fedcba",
        jobs=4,
    )
    report = ComparisonReport(replace(results, sessions=(*results.sessions, later), complete=False))
    found = conditions(report)
    assert found["commit"].split("\n") == [results.sessions[0].commit, "fedcba"]
    assert found["measured"].endswith(
        "in 2 sessions, the last from 2025-01-03 00:00 UTC, up to 4 runs at once"
    )
    assert remarks(report) == [
        "Not complete: these are the measurements made until now.",
        "Measured on different machines: times do not compare.",
        "Measured at different commits: see the session of each row.",
        "random was not named; it always takes part",
        "no fw bound on mean-matching-a-n128: TimeLimit: too late",
        "not compared: highs: highspy is not installed; pip install highspy",
    ]


def test_the_best_answers_and_who_found_them(report: ComparisonReport) -> None:
    found = {best.case.name: best for part in report.families for best in instances(part)}
    assert len(found) == 18
    best = found["quadratic-b-n128"]
    assert (best.value, best.known, best.standing) == ("1280", "1280", "new best")
    assert best.solvers == ("swap", "exact")  # the faster one first
    assert best.bound_gap == 0.0
    assert found["mean-matching-a-n128"].solvers == ("exact",)
    assert found["mean-matching-a-n128"].value == "0"


# -- on the terminal ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 100, 130, 160, 200])
def test_columns_give_way_but_none_is_cut(report: ComparisonReport, width: int) -> None:
    lines = printed(report, width).splitlines()
    assert max(map(len, lines)) <= width
    heading = next(line for line in lines if "solver" in line and "median" in line)
    assert ("x cbc" in heading, "memory" in heading) == (True, width >= 130)


def test_tables(report: ComparisonReport) -> None:
    text = printed(report)
    for word in ("overhead", "spread", "memory", "p95", "12/18", "bound 18", "(within 1e-06)"):
        assert word in text
    assert "scip: failed in 6 of 18 runs: killed: it held " in text
    assert "exact on quadratic-b: NEW BEST 1280.0, 0.1 % better than 1280" in text
    assert 'cbc claims "optimal" on 2 of 6 instances; exact beats it on 2, by up to ' in text
    assert "not compared: highs: highspy is not installed" in text


def test_tables_of_nothing_and_of_silence(planted_results: Planted) -> None:
    results = planted_results(sizes=(128,), families=("mmd",), solvers=("swap",), repeats=1)
    empty = ComparisonReport(replace(results, rows=(), complete=False))
    text = printed(empty)
    assert "Not complete" in text
    assert "solver " not in text
    silent = tuple(
        replace(row, objective=None, termination=Termination.TIME_LIMIT) for row in results.rows
    )
    text = printed(ComparisonReport(replace(results, rows=silent)))
    assert "swap: no answer in 2 of 2 runs" in text


def test_every_column_has_a_meaning_and_a_name(report: ComparisonReport) -> None:
    for part in report.families:
        found = columns(part)
        assert len({column.name for column in found}) == len(found)
        assert all(column.meaning for column in found)


def test_the_live_table_grows_with_the_rows(planted_results: Planted) -> None:
    rows = planted_results(sizes=(128, 2048)).rows
    table = LiveTable(rows[:5])
    before = drawn(table)
    for row in rows[5:]:
        table.add(row)
    after = drawn(table)
    assert before != after
    scip = next(line.split() for line in after.splitlines() if " scip " in line)
    assert scip[:3] == ["scip", "18", "6"]
    assert "mean-matching" in after


def test_the_live_table_shows_what_the_report_will(planted_results: Planted) -> None:
    results = planted_results(sizes=(128,))
    text = drawn(LiveTable(results.rows))
    for part in ComparisonReport(results).families:
        for summary in part.summaries:
            worth = (
                _number_format.error(summary.error_median)
                if part.family.absolute
                else _number_format.gap(summary.gap_median)
            )
            assert f" {worth} " in text
            assert duration(summary.seconds_median) in text


# -- two results ----------------------------------------------------------------------------------


def slower(row: Row) -> Row:
    if row.solver == "greedy" and row.repeat == 1:
        return replace(row, objective=None, failure="ended by SIGSEGV")
    if row.solver == "swap":
        return replace(row, seconds=tuple(2 * s for s in row.seconds))
    return row


def test_a_comparison(planted_results: Planted) -> None:
    a = planted_results(sizes=(128, 512))
    b = replace(a, rows=tuple(map(slower, a.rows)))
    text = change_document(compare(a, b)).to_terminal(160)
    assert "REGRESSED" in text
    (swap,) = (line.split() for line in text.splitlines() if line.startswith("  swap"))
    assert swap[1:7] == ["all", "+100", "+100", "to", "+100", "slower"]
    assert "18 fail" not in text
    narrow = change_document(compare(a, b)).to_terminal(80)
    (swap,) = (line.split() for line in narrow.splitlines() if line.startswith("  swap"))
    assert swap[1:7] == ["all", "+100", "+100", "to", "+100", "slower"]  # nothing folded
    assert "12 fail where none did: ended by SIGSEGV" in flat(text)


def test_a_comparison_of_what_has_nothing_in_common(planted_results: Planted) -> None:
    a, b = planted_results(solvers=("swap",)), planted_results(solvers=("exact",))
    text = change_document(compare(a, b)).to_terminal(160)
    assert "A and B have no run in common" in text
    assert "only in A: solver swap" in text


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (3e-5, "30 µs"),
        (9.994e-4, "999 µs"),
        (9.996e-4, "1.00 ms"),
        (0.0412, "41.2 ms"),
        (0.9999, "1.00 s"),
        (314.15, "314 s"),
        (12345.0, "12,345 s"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (1e-9, "0"),
        (1e-6, "1e-04"),
        (0.00012, "0.012"),
        (-0.05, "-5.00"),
        (0.4, "40.0"),
        (9.0, "900"),
    ],
)
def test_gaps_in_per_cent(value: float | None, text: str) -> None:
    assert _number_format.gap(value) == text


def test_other_words() -> None:
    assert [_number_format.error(x) for x in (None, 0.0, 1.25e-7)] == ["-", "0", "1.2e-07"]
    assert [_number_format.factor(x) for x in (None, 0.031, 9.9, 12345.6)] == [
        "-",
        "0.031",
        "9.9",
        "12,346",
    ]
    assert [size(x) for x in (None, 5 * 2**20, 3 * 2**30)] == ["-", "5.0 MiB", "3.0 GiB"]
    assert enumerated(["a", "b", "c"]) == "a, b and c"
    assert _number_format.listed([3, 1, 3]) == "1, 3"
    assert _number_format.listed(range(50)) == "50 values from 0 to 49"
    assert _number_format.day("yesterday") == "yesterday"


def test_a_refusal_that_a_longer_limit_mends_is_no_failure(planted_results: Planted) -> None:
    results = planted_results(families=("mmd",), time_limits=(0.1, 1.0))
    runs: dict[tuple[str, str, int], list[Row]] = {}
    for row in results.rows:
        runs.setdefault(row.key[:3], []).append(row)
    long = next(own for own in runs.values() if len(own) == 2 and not own[-1].failure)
    first = min(long, key=lambda row: row.time_limit or 0.0)
    refused = replace(first, objective=None, termination=None, failure="TooLarge: 1 s is needed")
    rows = tuple(refused if row is first else row for row in results.rows)
    before, after = ComparisonReport(results), ComparisonReport(replace(results, rows=rows))
    assert len(after.failures) == len(before.failures)
    assert refused.failure not in {row.failure for row in after.failures}
