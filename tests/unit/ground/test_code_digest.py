import ast
import hashlib
from pathlib import Path

import pytest

from redwood import code_digest as module
from redwood.code_digest import code_digest

PARSE = ast.parse


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package `redwood` of its own; a function that rewrites one of its modules."""
    monkeypatch.setattr(module, "_ROOT", tmp_path)

    def write(name: str, text: str) -> None:
        path = tmp_path / "redwood" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        module._read.cache_clear()

    write("__init__.py", "")
    write("ground.py", "def f(x):\n    return x\n")
    write("metric.py", "import numpy\nfrom redwood.ground import f\n\n\ndef g(): return f(1)\n")
    write("lazy.py", "def h():\n    from redwood import metric\n    return metric.g()\n")
    write("other.py", "X = 1\n")
    return write


def test_comments_docstrings_and_layout_do_not_count(package):
    before = code_digest("redwood.metric")
    package(
        "metric.py",
        '"""What."""\nimport numpy\nfrom redwood.ground import f  # why\ndef g():\n'
        '    """Docs."""\n    return f(1)\n',
    )
    assert code_digest("redwood.metric") == before


def test_a_page_counts_that_stands_beside_a_module_that_names_it(package):
    package("page.py", "NAME = 'page.html'\nSTYLE = 'style.css'\n")
    package("page.html", "<p>{{ a }}</p>")
    package("other.html", "")
    before = code_digest("redwood.page")
    package("other.html", "changed")
    assert code_digest("redwood.page") == before
    package("page.html", "<p>{{ b }}</p>")
    assert code_digest("redwood.page") != before


def test_all_versions_of_python_agree(package):
    # Python 3.12 gave functions and classes type parameters, which are empty here.
    package(
        "wide.py", "class A:\n    def f(self, *, x=None, **y) -> str: return f'{x!r:>3}' + 'ü'\n"
    )
    assert code_digest("redwood.wide") == "9663c6a9bbf32f46"


@pytest.mark.parametrize("name", ["redwood.metric", "redwood.lazy"])
def test_an_edit_deep_down_counts_for_all_that_import_it(package, name):
    before, unrelated = code_digest(name), code_digest("redwood.other")
    package("ground.py", "def f(x):\n    return x + 1\n")
    assert code_digest(name) != before
    assert code_digest("redwood.other") == unrelated


def test_what_cannot_change_results_does_not_count(package):
    package("configuration.py", "DEFAULT = 1\n")
    package("progress.py", "EVERY_S = 1\n")
    package("metric.py", "from redwood.configuration import DEFAULT\nimport redwood.progress\n")
    before = code_digest("redwood.metric")
    package("configuration.py", "DEFAULT = 2\n")
    package("progress.py", "EVERY_S = 2\n")
    assert code_digest("redwood.metric") == before


def test_a_package_stands_for_its_modules_and_a_docstring_alone_for_nothing(package):
    package("room/__init__.py", "")
    package("room/a.py", "A = 1\n")
    before = code_digest("redwood.room")
    package("room/__init__.py", '"""A room."""\n')
    assert code_digest("redwood.room") == before
    package("room/b.py", "B = 1\n")
    assert code_digest("redwood.room") != before


def test_relative_imports_are_followed(package):
    package("room/__init__.py", "")
    package("room/a.py", "from . import b\nfrom ..ground import f\n")
    package("room/b.py", "B = 1\n")
    first = code_digest("redwood.room.a")
    package("room/b.py", "B = 2\n")
    second = code_digest("redwood.room.a")
    package("ground.py", "def f(x): return -x\n")
    assert len({first, second, code_digest("redwood.room.a")}) == 3


def test_a_module_that_is_not_there_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"redwood\.nothing"):
        code_digest("redwood.nothing")


def test_what_was_read_is_kept_for_the_next_process_and_never_instead_of_an_edit(
    package, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_KEPT", tmp_path / "kept.json")

    def digest_in_a_new_process() -> tuple[str, int]:
        """The digest, and how many files were parsed for it."""
        parsed = []
        with monkeypatch.context() as patch:
            patch.setattr(module.ast, "parse", lambda text: parsed.append(text) or PARSE(text))
            for cached in (module._read, module._kept):
                cached.cache_clear()
            digest = code_digest("redwood.lazy")
        kept = module._kept()
        module._keep(hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest(), kept, 0)
        return digest, len(parsed)

    first, parsed = digest_in_a_new_process()
    assert parsed == 3
    assert digest_in_a_new_process() == (first, 0)
    package("ground.py", "def f(x):\n    return x + 1\n")
    second, parsed = digest_in_a_new_process()
    assert (second != first, parsed) == (True, 1)
    (tmp_path / "kept.json").write_text('{"version": "another", "sources": {}}')
    assert digest_in_a_new_process() == (second, 3)
    (tmp_path / "kept.json").write_text("{")
    assert digest_in_a_new_process() == (second, 3)
    module._kept.cache_clear()
