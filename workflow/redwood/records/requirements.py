"""What gathered dumps must have in common and what they must hold; the columns of their table."""

from collections.abc import Iterable, Sequence

from redwood.configuration import OPTIONAL_FEATURES, PAPER_FEATURES, Cleaning
from redwood.errors import InputError
from redwood.facts import PANDA_CORE_POWER
from redwood.job_table import ALTERNATIVES, COLUMNS, REQUIRED, UNITS, column
from redwood.readers.foreign import PANDA, in_own_words, systems
from redwood.records.cleaned_file import CleanedFile
from redwood.records.privacy import ENVIRONMENT_VARIABLE
from redwood.records.steps import needed_columns
from redwood.sites import DEFAULT_CORE_POWER
from redwood.tables import TableDescription


def check_alike(files: Sequence[CleanedFile], options: Cleaning) -> None:
    """Refuse files that were cleaned with other options or different keys.

    Raises:
        InputError: the file, or two of which the keys differ.
    """
    expected = options.model_dump(mode="json")
    keys: dict[str, str] = {}
    for file in files:
        if file.account["options"] != expected:
            raise InputError(
                f"{file.folder}: cleaned with other options than these; clean it again"
            )
        key = file.account["key"]
        if key["origin"] != "seed":
            keys.setdefault(key["fingerprint"], file.account["file"])
    if len(keys) > 1:
        raise InputError(
            f"{' and '.join(sorted(keys.values())[:2])}: users were hashed with different keys; "
            f"clean both with one {ENVIRONMENT_VARIABLE}, or in one run"
        )


def check_columns(files: Sequence[CleanedFile], options: Cleaning) -> None:
    """Refuse dumps of which none has a value in a column that is needed.

    Raises:
        InputError: the columns, what they are made of, and what the dumps have.
    """
    present = set().union(*(file.account["present"] for file in files))
    # What dumps of several systems lack is said in PanDA's words.
    [system, *others] = sorted({file.account["system"] for file in files})
    system = PANDA if others else system

    def named(raws: Iterable[str]) -> str:
        return " or ".join(dict.fromkeys(in_own_words(system, raw) for raw in raws))

    lacking = []
    for name in needed_columns(options):
        if present.intersection(ALTERNATIVES[name]):
            continue
        by = "" if name in options.features else ", which every job table needs,"
        lacking.append(f"{name!r}{by} is made of {named(ALTERNATIVES[name])}")
    if lacking:
        between = ", " if system == PANDA else "; "
        have = between.join(in_own_words(system, raw) for raw in sorted(present)) or "nothing"
        made = [
            name
            for name in (*PAPER_FEATURES, *OPTIONAL_FEATURES)
            if present.intersection(ALTERNATIVES[name])
        ]
        raise InputError(
            f"records.cleaning.features: no dump has what these need: {'; '.join(lacking)}; "
            f"of {systems()[system].TITLE}'s columns the dumps have values in {have}; list in "
            f"features (--features) only what can be made of these, {','.join(made) or 'nothing'}, "
            f"or {systems()[system].REMEDY}"
        )
    if options.analysis_of_daod:
        for needed in (("prodsourcelabel",), ALTERNATIVES["datatype"]):
            if not present.intersection(needed):
                raws = " or ".join(raw.upper() for raw in needed)
                raise InputError(
                    "records.cleaning.analysis_of_daod is true, but no dump has a value in "
                    f"{raws}; set it to false, and keep_robots to true, to keep jobs of every "
                    "kind (--all-jobs does both)"
                )


def describe(files: Sequence[CleanedFile], dataset: str, options: Cleaning) -> TableDescription:
    """The features in their configured order, then every other column that has a value."""
    filled = {name for file in files for name, number in file.account["values"].items() if number}
    features = [column(name, feature=True) for name in options.features]
    others = [
        column(name, feature=False)
        for name in COLUMNS
        if name not in options.features and (name in REQUIRED or name in filled)
    ]
    power = options.default_core_power
    assumptions = {} if power == PANDA_CORE_POWER else {DEFAULT_CORE_POWER: power}
    columns = (*features, *others)
    units = tuple(name for name in UNITS if any(column.name == name for column in columns))
    return TableDescription(dataset, columns, assumptions, units)
