"""The table of sizes counts what it says."""

from benchmarks.size import packages, size_of, table

TEXT = '''"""One
two."""

# a comment
x = 1  # and another


def short():
    """Five lines,

    of which four
    explain."""


class A:
    async def long(self):  # a third
        y = "# none"

        return y
'''


def test_a_file_by_hand():
    assert size_of(TEXT) == (19, 6, 3, (4, "long"))
    assert size_of("") == (0, 0, 0, (0, ""))


def test_a_folder_of_the_package_is_a_row_and_all_is_the_sum(tmp_path):
    for name in ("minseg/a.py", "minseg/roi/b.py", "minseg/roi/deep/c.py", "tests/d/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    counts = {name: len(paths) for name, paths in packages(tmp_path).items()}
    assert counts == {"minseg": 1, "minseg/roi": 2, "tests": 1}
    *_, roi, tests, everything = table(tmp_path)
    assert roi == "| minseg/roi | 2 | 38 | 19 | 32% | 16% | 4, `long` |"
    assert tests.startswith("| tests | 1 | 19 |") and everything.startswith("| all | 4 | 76 |")
