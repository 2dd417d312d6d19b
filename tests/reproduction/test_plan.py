"""Rows become runs; the same run is planned once."""

import pytest

from choi_d2.reproduction.plan import make_plan
from choi_d2.reproduction.tables import SYNTHETIC, TABLES
from choi_d2.utils import InputError


@pytest.fixture
def plan(repository, tmp_path):
    def make(number, dataset="hoiw", **arguments):
        return make_plan(TABLES[number], dataset, root=repository, output=tmp_path, **arguments)

    return make


def row(plan, name):
    return next(row for row in plan.rows if row.row.name == name)


def folders(runs):
    return {run.folder for run in runs}


def test_rows_share_first_phases(plan):
    first = plan(4).first_phases()
    assert [len(x.cfg.MODEL.ROI_BOX_CASCADE_HEAD.IOUS) for x in first] == [1, 3]
    assert len(plan(5).first_phases()) == 5
    assert len(plan(6).first_phases()) == 6
    assert len(plan(7).first_phases()) == len(plan(8, "pic").first_phases()) == 1
    shared = [plan(number, "synthetic").first_phases() for number in (4, 5, 7, 8)]
    assert {len(x) for x in shared} == {1} and len({x[0].folder for x in shared}) == 1


def test_fusions_share_a_training_but_no_evaluation(plan):
    table = plan(7)
    rows = [row(table, name) for name in ("4_fusion_sum", "5_fusion_product", "6_fusion_eq16")]
    assert len({x.evaluations[0].training.folder for x in rows}) == 1
    assert len({x.evaluations[0].folder for x in rows}) == 3
    assert len(table.second_phases()) == 4 and len(table.evaluations()) == 6


def test_the_same_row_in_several_tables_is_one_run(plan):
    whole = [(4, "6_ihsm_efra_rrm_cascade"), (5, "T_3"), (6, "R_50_T_3"), (7, "6_fusion_eq16")]
    assert len({row(plan(n), name).evaluations[0].folder for n, name in whole}) == 1
    single = [(4, "5_ihsm_efra_rrm"), (5, "T_1"), (6, "R_50_T_1")]
    assert len({row(plan(n), name).evaluations[0].folder for n, name in single}) == 1


def test_the_tables_of_our_own_share_the_trainings_of_table_4(plan):
    for dataset in ("synthetic", "synthetic_sparse"):
        table = plan(4, dataset)
        sampling, crowded = plan("sampling", dataset), plan("crowded", dataset)
        known = folders(table.second_phases())
        assert len(folders(sampling.second_phases()) - known) == 1
        assert len(crowded.second_phases()) == 2
        assert folders(crowded.second_phases()) <= known
        assert not folders(crowded.evaluations()) & folders(table.evaluations())
    sparse, full = plan(4, "synthetic_sparse"), plan(4, "synthetic")
    assert folders(sparse.first_phases()) == folders(full.first_phases())
    assert not folders(sparse.second_phases()) & folders(full.second_phases())


def test_all_synthetic_scenes_share_the_first_phase(plan):
    plans = [plan("sampling", dataset) for dataset in SYNTHETIC]
    assert len({folder for each in plans for folder in folders(each.first_phases())}) == 1
    second = [folder for each in plans for folder in folders(each.second_phases())]
    assert len(set(second)) == 2 * len(plans)
    assert len({each.table.stem(each.dataset) for each in plans}) == len(plans)


def test_rows_on_photos_share_their_detections(plan):
    table, sampling = plan(4, "photos"), plan("sampling", "photos")
    first = folders(table.first_phases())
    assert len(first) == 1 and folders(sampling.first_phases()) == first
    assert all(run.cfg.MODEL.LOCALIZATION_FROZEN for run in table.second_phases())
    assert len(folders(sampling.second_phases()) - folders(table.second_phases())) == 1
    assert {run.cfg.DATASETS.TEST for run in table.evaluations()} == {("vcoco_photos_test",)}


def test_rows_of_table_4_are_six_trainings(plan):
    assert len(plan(4).second_phases()) == 6


def test_seeds_share_the_first_phase_unless_told(plan):
    table = plan(5, seeds=3)
    assert {x.seed for x in table.first_phases()} == {1} and len(table.first_phases()) == 5
    assert sorted(x.seed for x in table.second_phases()) == [1] * 5 + [2] * 5 + [3] * 5
    own = plan(5, seeds=3, phase1_per_seed=True)
    assert len(own.first_phases()) == 15
    assert all(x.start.seed == x.seed for x in own.second_phases())
    # The first seed is the same training in both; the others start from other weights.
    both = folders(table.second_phases()) & folders(own.second_phases())
    assert both == {x.folder for x in table.second_phases() if x.seed == 1}


def test_the_first_seed_of_all_rows_comes_first(plan):
    seeds = [x.training.seed for x in plan(4, seeds=2).evaluations()]
    assert seeds == [1] * 6 + [2] * 6


def test_only(plan):
    table = plan(4, only="2_ihsm,3_efra")
    assert len(table.evaluations()) == 2 and len(table.rows) == 6


def test_options_are_another_run_and_reach_the_commands(plan):
    opts = ["SOLVER.MAX_ITER", "5"]
    table = plan(4, opts=opts)
    assert not folders(table.second_phases()) & folders(plan(4).second_phases())
    for run in [*table.first_phases(), *table.second_phases(), *table.evaluations()]:
        assert run.cfg.SOLVER.MAX_ITER == 5
        assert "SOLVER.MAX_ITER 5" in " ".join(run.arguments())


def test_commands(plan):
    evaluation = row(plan(4, seeds=2), "2_ihsm").evaluations[1]
    training = evaluation.training
    words = " ".join(training.arguments())
    assert "table4/HOIW/2_ihsm.yaml --resume" in words
    assert f"MODEL.WEIGHTS {training.start.folder}/model_final.pth SEED 2" in words
    assert words.endswith(f"OUTPUT_DIR {training.folder} DATASETS.TEST ()")
    words = " ".join(evaluation.arguments())
    assert f"--eval-only MODEL.WEIGHTS {training.weights} OUTPUT_DIR {evaluation.folder}" in words
    assert "MODEL.WEIGHTS" not in training.start.arguments()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"seeds": 0}, "--seeds"),
        ({"opts": ["SEED", "3"]}, "SEED is set by the runner"),
        ({"opts": ["SOLVER.NO_KEY", "3"]}, "Non-existent"),
        ({"only": "7_all"}, "1_baseline"),
    ],
)
def test_what_cannot_be_planned(plan, arguments, message):
    with pytest.raises(InputError, match=message):
        plan(4, **arguments)
