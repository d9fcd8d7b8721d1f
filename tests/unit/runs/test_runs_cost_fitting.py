"""Fitting costs to measured jobs: lines by hand, known lines found again, what cannot be told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_costs import finished_run, write_benchmark, write_losses

from redwood.errors import InputError
from redwood.runs.cost_fitting import Measurement, fit, measurements


def measured(rows, seconds, megabytes=100.0, times=1, rule="surrogates_train", variant="tvae"):
    return Measurement(rule, variant, rows, times, seconds, megabytes)


def test_two_sizes_give_the_line_through_both():
    (cost,) = fit([measured(1000, 12, 150), measured(11_000, 112, 650)])
    assert (cost.rule, cost.variant, cost.most_rows, cost.measured) == (
        *("surrogates_train", "tvae"),
        *(11_000, 2),
    )
    assert cost.seconds(0) == pytest.approx(2)
    assert cost.seconds(5000) == pytest.approx(52)
    assert cost.megabytes(0) == pytest.approx(100)
    assert cost.megabytes(5000) == pytest.approx(350)


@pytest.mark.parametrize("times", [10, 20])
def test_numbers_of_epochs_alike_count_as_repeated_altogether(times):
    (cost,) = fit([measured(1000, 12, times=10), measured(11_000, 2 + 11 * times, times=times)])
    assert cost.s_per_row == 0
    assert cost.s_per_pass == pytest.approx(0.001)


def test_nothing_is_negative_however_times_fall():
    (cost,) = fit([measured(1000, 50, 900), measured(50_000, 20, 300)])
    assert min(cost.base_s, cost.s_per_row, cost.s_per_pass, cost.base_mb, cost.mb_per_row) >= 0
    assert 20 < cost.seconds(1000) < 50


def test_no_job_is_promised_less_memory_than_one_has_taken():
    # Much at the middle size: the line through the first and the last would be below it.
    group = [measured(1000, 10, 200), measured(50_000, 10, 1500), measured(1_000_000, 10, 4000)]
    (cost,) = fit(group)
    assert 200 < cost.megabytes(1000) < 1500
    assert cost.megabytes(50_000) == pytest.approx(1500)
    assert cost.megabytes(1_000_000) == pytest.approx(4000)


@pytest.mark.parametrize("rows", [(10_000,), (10_000, 12_000)])
def test_sizes_alike_promise_larger_jobs_too_much_rather_than_too_little(rows):
    (cost,) = fit([measured(n, 100, 1000) for n in rows])
    assert cost.base_s <= 5
    assert cost.base_mb <= 300
    assert cost.seconds(11_000) == pytest.approx(100, rel=0.1)
    assert cost.seconds(1_000_000) > 50 * 95
    assert cost.megabytes(1_000_000) > 50 * 700
    short = fit([measured(n, 2, 100) for n in rows])[0]
    assert (short.base_s, short.base_mb) == (1, 50)


def test_errors_count_by_their_share_so_that_small_jobs_do():
    jobs = ((100, 1), (100, 1.2), (100_000, 900), (100_000, 1100))
    (cost,) = fit([measured(*job) for job in jobs])
    assert cost.seconds(100) == pytest.approx(1.1, rel=0.05)
    assert cost.seconds(100_000) == pytest.approx(1000, rel=0.05)


def test_simulations_keep_their_jobs_in_memory_whatever_the_policy():
    runs = ((1000, 2, 150, "random"), (100_000, 9, 350, "random"), (1000, 5, 160, "least_loaded"))
    one, other = fit([measured(*job, rule="simulate", variant=policy) for *job, policy in runs])
    assert (one.variant, other.variant) == ("least_loaded", "random")
    assert one.megabytes(100_000) == other.megabytes(100_000) == pytest.approx(350)
    assert one.megabytes(1000) == pytest.approx(160)
    assert (one.most_rows, other.most_rows) == (1000, 100_000)
    assert one.seconds(1000) == pytest.approx(5)


def test_a_job_whose_memory_was_not_seen_counts_for_its_time_alone():
    (cost,) = fit([measured(1000, 12, None), measured(11_000, 112, 650)])
    assert cost.seconds(5000) == pytest.approx(52)
    assert cost.megabytes(11_000) == pytest.approx(650)
    (unseen,) = fit([measured(1000, 1, None)])
    assert (unseen.base_mb, unseen.mb_per_row) == (0, 0)


@settings(deadline=None)
@given(
    base=st.floats(1, 100),
    per_row=st.floats(1e-5, 1e-2),
    per_pass=st.floats(1e-5, 1e-2),
    seed=st.integers(0, 1000),
)
def test_a_known_line_is_found_again(base, per_row, per_pass, seed):
    noise = np.random.default_rng(seed).uniform(0.98, 1.02, (6, 2))
    sizes = [(1000, 1), (1000, 20), (30_000, 1), (30_000, 10), (500_000, 1), (500_000, 4)]
    group = [
        measured(
            rows,
            (base + per_row * rows + per_pass * rows * times) * noisy_time,
            (base + per_row * rows) * noisy_memory,
            times,
        )
        for (rows, times), (noisy_time, noisy_memory) in zip(sizes, noise, strict=True)
    ]
    (cost,) = fit(group)
    for rows, times in [(2000, 5), (100_000, 3), (1_000_000, 2)]:
        true = base + per_row * rows + per_pass * rows * times
        assert cost.seconds(rows, times) == pytest.approx(true, rel=0.12)
    for rows in (500_000, 1_000_000):
        assert cost.megabytes(rows) == pytest.approx(base + per_row * rows, rel=0.12)


def test_measured_jobs_are_found_with_what_they_had_to_do(tmp_path):
    finished_run(tmp_path, 1000, sampled=70)
    write_losses(tmp_path, "tvae", 7)
    write_losses(tmp_path, "tvae", 4, stage="release/shadow_models")
    for seed in (1, 2, 3):
        (tmp_path / f"simulation/runs/recorded/random/seed-{seed}").mkdir(parents=True)
        (tmp_path / f"simulation/runs/tvae/least_loaded+cache/seed-{seed}").mkdir(parents=True)
    for name in (
        *("records_clean_file/a.csv", "records_clean_file/b__c.csv", "records_gather"),
        *("surrogates_train_tvae", "surrogates_train_smote", "release_train_tvae"),
        *("surrogates_sample_tvae", "evaluate_tvae", "table1"),
        *("simulate_recorded_random", "simulate_tvae_least_loaded+cache"),
    ):
        write_benchmark(tmp_path, name, 2.5, 80)
    write_losses(tmp_path / "trainings/2", "tvae", 9)
    write_benchmark(tmp_path / "trainings/2", "surrogates_train_tvae", 2.5, 80)
    # Of results that are there no more, and of no rule.
    for name in ("records_clean_file/gone.csv", "simulate_gone_random", "something_else"):
        write_benchmark(tmp_path, name, 2.5, 80)
    found = measurements(tmp_path)
    assert {(one.seconds, one.megabytes) for one in found} == {(2.5, 80)}
    assert sorted((one.rule, one.variant, one.rows, one.times) for one in found) == [
        ("evaluate", "", 670, 1),
        ("records_clean_file", "", 500, 1),
        ("records_clean_file", "", 1000, 1),
        ("records_gather", "", 1500, 1),
        ("simulate", "least_loaded+cache", 70, 3),
        ("simulate", "random", 200, 3),
        ("surrogates_sample", "tvae", 70, 1),
        ("surrogates_train", "smote", 600, 1),
        ("surrogates_train", "tvae", 600, 4),
        ("surrogates_train", "tvae", 600, 7),
        ("surrogates_train", "tvae", 600, 9),
        ("table1", "", 70, 1),
    ]


@pytest.mark.parametrize("shown", ["-", "NA", "0.00"])
def test_memory_that_snakemake_has_not_seen_is_not_made_up(tmp_path, shown):
    finished_run(tmp_path, 1000)
    write_benchmark(tmp_path, "table1", 0.4, shown)
    (one,) = measurements(tmp_path)
    assert (one.seconds, one.megabytes) == (0.4, None)


def test_of_a_repeated_measurement_the_last_counts(tmp_path):
    finished_run(tmp_path, 1000)
    write_benchmark(tmp_path, "table1", 9, 90)
    path = tmp_path / "benchmarks/table1.tsv"
    path.write_text(path.read_text() + "2\t0:00:02\t70\n")
    (one,) = measurements(tmp_path)
    assert (one.seconds, one.megabytes) == (2, 70)


def test_results_without_a_finished_run_are_named(tmp_path):
    with pytest.raises(InputError, match=rf"{tmp_path}: no finished run"):
        measurements(tmp_path)
    finished_run(tmp_path, 1000)
    with pytest.raises(InputError, match=rf"{tmp_path}/benchmarks: no measured job"):
        measurements(tmp_path)


@pytest.mark.parametrize("text", ["", "s\tmax_rss\n", "s\tmax_rss\nsoon\t5\n", "seconds\n5\n"])
def test_a_file_that_is_no_measurement_is_named(tmp_path, text):
    finished_run(tmp_path, 1000)
    path = tmp_path / "benchmarks/table1.tsv"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InputError, match=rf"{path}: expected a measurement of Snakemake's"):
        measurements(tmp_path)
