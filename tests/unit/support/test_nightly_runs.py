"""`make nightly`: what is done is kept, an interrupted part goes on, figures add up over runs."""

from pathlib import Path

import msgspec
import pytest

from support.nightly import results
from support.nightly.parts import PARTS, SEEDS_A_RUN, Part, Step, first_seed
from support.nightly.results import Finding, Run, StepDone, added, append, go_on_from, runs_of, told
from support.nightly.run import Outcome, read_report, run_part, typed

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="test_well"/>
<testcase classname="tests.a" name="test_wrong"><failure message="1 is not 2">x</failure></testcase>
<testcase classname="tests.a" name="test_left"><skipped message="why"/></testcase>
</testsuite></testsuites>"""


def steps_of(seed: int) -> list[Step]:
    names = ("first", "second", "third")
    return [
        Step(name, ("true", f"--seed={seed + number}"), {}, {"kills": 50})
        for number, name in enumerate(names)
    ]


PART = Part("kills", "kills", steps_of)


class Doer:
    """Stands for the processes of the steps: remembers them, and lets time pass."""

    def __init__(self, *, minutes_each: float = 1, ends_at: str = "") -> None:
        self.done: list[str] = []
        self.now_s = 0.0
        self._minutes_each = minutes_each
        self._ends_at = ends_at

    def do(self, step: Step) -> Outcome:
        if step.name == self._ends_at:
            raise KeyboardInterrupt
        self.done.append(step.words[1])
        self.now_s += 60 * self._minutes_each
        return Outcome({"passed": 2}, [])

    def run(self, folder: Path, *, again: bool = False) -> int:
        return run_part(PART, folder=folder, do=self.do, again=again, seconds=lambda: self.now_s)


def test_each_step_is_kept_with_its_command_and_figures(tmp_path: Path) -> None:
    """Who finds something at night wants to see it again in the morning."""
    doer = Doer()

    assert 0 == doer.run(tmp_path)

    (run,) = runs_of(tmp_path, "kills")
    assert run.is_finished
    assert ["first", "second", "third"] == [step.step for step in run.steps]
    assert ["true --seed=1", "true --seed=2", "true --seed=3"] == [s.command for s in run.steps]
    assert {60.0} == {step.duration_s for step in run.steps}
    assert all(step.commit and step.started for step in run.steps)


def test_an_interrupted_part_goes_on_where_it_was(tmp_path: Path) -> None:
    """An hour that is lost to a Ctrl-C is an hour that nobody spends again."""
    with pytest.raises(KeyboardInterrupt):
        Doer(ends_at="second").run(tmp_path)
    rest = Doer()

    assert 0 == rest.run(tmp_path)

    assert ["--seed=2", "--seed=3"] == rest.done
    assert [3] == [len(run.steps) for run in runs_of(tmp_path, "kills")]


def test_a_line_that_was_cut_off_counts_as_not_written(tmp_path: Path) -> None:
    """Power was lost while it was written: the step is run again, the file stays readable."""
    with pytest.raises(KeyboardInterrupt):
        Doer(ends_at="third").run(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-10])
    rest = Doer()

    assert 0 == rest.run(tmp_path)

    assert ["--seed=2", "--seed=3"] == rest.done
    assert [3] == [len(run.steps) for run in runs_of(tmp_path, "kills")]


def test_a_finished_part_runs_again_only_when_asked_and_with_other_seeds(tmp_path: Path) -> None:
    """The same seeds twice would be counted as twice as much."""
    Doer().run(tmp_path)
    idle, again = Doer(), Doer()

    idle.run(tmp_path)
    again.run(tmp_path, again=True)

    assert [] == idle.done
    assert [f"--seed={SEEDS_A_RUN + number}" for number in (1, 2, 3)] == again.done
    assert [1, 2] == [run.number for run in runs_of(tmp_path, "kills")]


def test_a_part_ends_before_its_time_is_over_and_goes_on_the_next_time(tmp_path: Path) -> None:
    """The third step of 25 minutes would end after 75."""
    slow, rest = Doer(minutes_each=25), Doer(minutes_each=25)

    assert 1 == slow.run(tmp_path)
    assert 0 == rest.run(tmp_path)

    assert (["--seed=1", "--seed=2"], ["--seed=3"]) == (slow.done, rest.done)


def test_a_step_that_is_longer_than_a_part_is_run_all_the_same(tmp_path: Path) -> None:
    """Else such a part would never get on."""
    slow = Doer(minutes_each=61)

    assert 1 == slow.run(tmp_path)

    assert ["--seed=1"] == slow.done


def test_figures_and_findings_add_up_over_runs(tmp_path: Path) -> None:
    """A thousand kills in ten nights are ten thousand."""
    Doer().run(tmp_path)
    Doer().run(tmp_path, again=True)
    finding = Finding(test="tests.a::test_wrong", message="given twice")
    step = StepDone(
        step="seed 7",
        commit="abc",
        command="again",
        started="",
        duration_s=1.0,
        counts={"passed": 1, "failed": 1},
        amounts={"kills": 50},
        findings=[finding],
    )
    append(tmp_path, Run("kills", 3, (), is_finished=False), step)

    total = added(runs_of(tmp_path, "kills"))

    assert {"passed": 13, "failed": 1, "kills": 350} == dict(total)
    assert ["kills"] == results.parts_in(tmp_path)
    assert [
        "kills, run 3, commit abc: tests.a::test_wrong",
        "  given twice",
        "  again: again",
    ] == list(told(tmp_path))


def test_a_run_with_a_finding_ends_red_now_and_when_it_is_asked_again(tmp_path: Path) -> None:
    """A finding that is only in a file is not seen."""

    def fails(step: Step) -> Outcome:
        return Outcome({"failed": 1}, [Finding(test=step.name, message="wrong")])

    assert 1 == run_part(PART, folder=tmp_path, do=fails)
    assert 1 == run_part(PART, folder=tmp_path, do=fails)


def test_a_report_of_pytest_is_read(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(REPORT)

    found = read_report(report, 1)

    assert {"passed": 1, "failed": 1, "skipped": 1} == found.counts
    assert [Finding(test="tests.a::test_wrong", message="1 is not 2")] == found.findings


def test_a_run_without_a_report_or_a_failed_test_is_no_success(tmp_path: Path) -> None:
    """pytest that ends by a signal leaves no report; a run that collects nothing ends with 5."""
    report = tmp_path / "junit.xml"
    missing = read_report(report, -9)
    report.write_text("<testsuites/>")
    nothing = read_report(report, 5)

    assert (1, 1) == (len(missing.findings), len(nothing.findings))


def test_a_command_can_be_typed_as_it_is_kept() -> None:
    step = Step("s", ("pytest", "-k", "a or b"), {"NIGHTLY_SEED": "7"}, {})

    assert "NIGHTLY_SEED=7 pytest -k 'a or b'" == typed(step)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_each_part_has_steps_of_their_own_names(part: Part) -> None:
    """Two steps of one name would count as one that is done."""
    names = [step.name for step in part.steps(first_seed(1))]

    assert names
    assert len(set(names)) == len(names) < SEEDS_A_RUN


def test_no_two_parts_have_one_name_and_no_file_is_read_as_anothers(tmp_path: Path) -> None:
    names = [part.name for part in PARTS]
    Doer().run(tmp_path)

    assert sorted(set(names)) == sorted(names)
    assert () == tuple(runs_of(tmp_path, "kill")) == tuple(runs_of(tmp_path, "nested-kills"))


def test_a_result_file_is_one_json_object_a_line(tmp_path: Path) -> None:
    """Any program can add the figures up."""
    Doer().run(tmp_path)
    (path,) = tmp_path.iterdir()

    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]

    assert ["step", "step", "step", "finished"] == [line["type"] for line in lines]


def test_a_fresh_clone_goes_on_from_the_results_that_were_committed(tmp_path: Path) -> None:
    """With the next step and seed; what was run here since stays as it is."""
    kept, here = tmp_path / "kept", tmp_path / "here"
    kept.mkdir()
    (kept / "kills.0001.jsonl").write_text("{}\n")
    (kept / "year.0001.jsonl").write_text("{}\n")
    here.mkdir()
    (here / "year.0001.jsonl").write_text("{}\n{}\n")

    go_on_from(kept, here)
    go_on_from(tmp_path / "none", tmp_path / "nowhere")

    assert "{}\n" == (here / "kills.0001.jsonl").read_text()
    assert "{}\n{}\n" == (here / "year.0001.jsonl").read_text()
    assert not (tmp_path / "nowhere").exists()
