"""Formats of other simulators that scenarios can be written in. Each is one module.

Being here registers it by its name. A format says itself what it is:

* `TITLE`, what it is called; `SOURCES`, where its description was found, a sentence each;
* `left_out(scenario, environment)`, what of a scenario it cannot say, a sentence each;
* `write(case, folder)`, which writes the files of one seed (`redwood.simulation.case.Case`).

`redwood.simulation.exporting` does the rest.
"""
