"""The systems whose job records are read: modules that register themselves by being there.

Each says itself, as constants, what it is:

* `TITLE`: what messages call it.
* `MADE_OF`: PanDA's raw column, lower case → what it is made of, in the system's own words.
* `REMEDY`: what a user of this system does about a column that is not there.
* `STATES`: its names of states, lower case → PanDA's; those that are not final stay as they are.
* `FIRST_TIME`: earlier times stand for none.
* `IS_NAMELESS`: whether users are numbers or pseudonyms by definition.
* `OWN_NUMBERS`: whether every file numbers its jobs by itself, so that equal numbers in two files
  are two jobs.

A system whose logs are lines of fields, known by the file's ending, has `ENDINGS`, `FIELDS` (their
names in order), `NUMBERS` (those that are numbers), `FEWEST` (how many a line has at least) and
`Header`, which takes in comments (`add(line)`). One whose logs are tables has `COLUMNS`, name of a
column in lower case → the name under which it is wanted, and `is_mine(names)`; if a job may have
several rows, `follows(cells, size)` says which belong to the one before.

Both have `translate(rows)`: `foreign.Rows` → cells under PanDA's names. PanDA itself needs none.
"""
