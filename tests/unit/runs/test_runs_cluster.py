"""The description of a cluster: of a file, of the environment, and what is wrong with either."""

from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.runs.cluster import Cluster, GpuNodes, Nodes, read_cluster

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_jobs_go_anywhere_and_trainings_ask_for_a_gpu(tmp_path):
    cluster = read_cluster(tmp_path, {})
    assert cluster == Cluster()
    assert cluster.cpu.partition is None
    assert cluster.gpu is not None


def test_the_description_is_the_given_file_else_the_named_one_else_that_in_the_root(
    tmp_path, monkeypatch
):
    monkeypatch.chdir("/")
    (tmp_path / "clusters").mkdir()
    named = write(tmp_path / "clusters/named.yaml", "name: named\n")
    given = write(tmp_path / "given.yaml", "name: given\n")
    write(tmp_path / "cluster.yaml", "name: in the root\n")
    environment = {"REDWOOD_CLUSTER": "clusters/named.yaml"}
    assert read_cluster(tmp_path, {}).name == "in the root"
    assert read_cluster(tmp_path, environment).name == "named"
    assert read_cluster(Path("/nowhere"), {"REDWOOD_CLUSTER": str(named)}).name == "named"
    assert read_cluster(tmp_path, environment, given).name == "given"


@pytest.mark.parametrize(
    ("text", "environment", "cpu", "gpu"),
    [
        # Variables prevail value by value, and some are no business of this.
        (
            "cpu: {partition: long, account: physics}",
            {"REDWOOD_CPU_PARTITION": "short", "REDWOOD_CPU_MEMORY_GB": "256"},
            {"partition": "short", "account": "physics", "memory_gb": 256},
            {},
        ),
        ("cpu: {hours: 12}", {"REDWOOD_HASH_KEY": "x"}, {"hours": 12}, {}),
        ("", {"REDWOOD_GPU_MODEL": "a100"}, {}, {"model": "a100"}),
        # An empty one takes away what the file says.
        ("gpu: {qos: fast, model: a100}", {"REDWOOD_GPU_QOS": ""}, {}, {"model": "a100"}),
        # One gives GPUs to a cluster whose file has none.
        ("gpu: null", {"REDWOOD_GPU_PARTITION": "gpu"}, {}, {"partition": "gpu"}),
        ("gpu: null", {}, {}, None),
    ],
)
def test_variables_prevail_over_the_file(tmp_path, text, environment, cpu, gpu):
    write(tmp_path / "cluster.yaml", f"# ours\n{text}\n")
    cluster = read_cluster(tmp_path, environment)
    assert cluster.cpu == Nodes(**cpu)
    assert cluster.gpu == (None if gpu is None else GpuNodes(**gpu))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpu: {partitoin: long}", "cpu.partitoin: unknown key (value 'long'); allowed: account"),
        ("cpu: {hours: soon}", "cpu.hours is 'soon': Input should be a valid number"),
        ("cpu: {memory_gb: 0}", "cpu.memory_gb is 0: Input should be greater than 0"),
        ("cpu: {account: 12}", "cpu.account is 12: Input should be a valid string"),
        ("cpu: 5", "cpu is 5: expected keys and values"),
        ("gpu: {model: 'a100:2'}", "gpu.model is 'a100:2': String should match pattern"),
        ("gpu: {model: a100-80gb}", "gpu.model is 'a100-80gb'"),
        ("gpus: {}", "gpus: unknown key (value {}); allowed: name, cpu, gpu, currency"),
        ("[cpu]", "found list, expected the description of a cluster: keys and values"),
        ("cpu: {", "not YAML: "),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line_with_key_and_value(tmp_path, text, said):
    file = write(tmp_path / "cluster.yaml", text)
    with pytest.raises(InputError) as caught:
        read_cluster(tmp_path, {})
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("REDWOOD_CPU_HOURS", "soon", "cpu.hours is 'soon'"),
        ("REDWOOD_GPU_HOURS", "", "gpu.hours is None"),
        ("REDWOOD_CPU_QUEUE", "long", "cpu.queue: unknown key (value 'long')"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path, variable, value, said):
    with pytest.raises(InputError, match=variable) as caught:
        read_cluster(tmp_path, {variable: value})
    assert said in str(caught.value)


def test_variables_hide_neither_a_wrong_section_nor_a_missing_file(tmp_path):
    write(tmp_path / "cluster.yaml", "cpu: 5\n")
    with pytest.raises(InputError, match="cpu is 5"):
        read_cluster(tmp_path, {"REDWOOD_CPU_PARTITION": "long"})
    with pytest.raises(InputError, match=r"gone\.yaml: No such file or directory: expected"):
        read_cluster(tmp_path, {"REDWOOD_CLUSTER": "gone.yaml"})


@pytest.mark.parametrize("path", sorted((ROOT / "config/clusters").glob("*.yaml")), ids=str)
def test_the_examples_are_right_and_say_where_both_kinds_of_job_go(path):
    cluster = read_cluster(ROOT, {}, path)
    assert cluster.gpu is not None
    for nodes in (cluster.cpu, cluster.gpu):
        assert nodes.account
        assert nodes.partition or nodes.qos
    assert cluster.currency
