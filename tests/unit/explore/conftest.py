import pytest

pytest.importorskip("simgrid")
pytest.importorskip("bokeh")

from made_up_results import make_results, serving
from tests.browsers import browser as browser

from redwood.explore.sources import Source


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def source(results):
    return Source.open(results)


@pytest.fixture(scope="session")
def server_files(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(results, server_files):
    with serving(results, "--runs", "2", files=server_files) as url:
        yield url
