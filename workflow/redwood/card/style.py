"""How the data card looks: light, dark and on paper."""

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2126; --muted: #5a6570; --line: #dfe3e8; --soft: #f4f6f8;
  --accent: #0072b2; --problem: #b3261e; --care: #9a5b00; --note: #5a6570; --good: #1b7f4d;
  --finished: #0072b2; --failed: #d55e00; --closed: #9aa3ad; --cancelled: #cc79a7;
  --other: #444c55;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e4e8ec; --muted: #9aa5b1; --line: #2d343c; --soft: #1c2229;
    --accent: #56b4e9; --problem: #ff8a80; --care: #f0b45a; --note: #9aa5b1; --good: #6fcf97;
    --finished: #3d9ad6; --failed: #e8772e; --closed: #6c7680; --cancelled: #d88fb5;
    --other: #c5ccd3;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 .6rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .4rem; }
p { margin: 0 0 .7rem; max-width: 52rem; }
small { display: block; color: var(--muted); font-size: .82em; line-height: 1.35; }
h3 small { display: inline; font-weight: normal; }
section { margin-top: 2.4rem; }
.kind { margin: 0; color: var(--muted); letter-spacing: .06em; text-transform: uppercase;
  font-size: .78rem; }
.banner { max-width: none; border: 2px solid var(--care); border-radius: 6px; color: var(--care);
  padding: .6rem .9rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.tiles div { background: var(--soft); border-radius: 6px; padding: .55rem .9rem;
  min-width: 7.5rem; }
.tiles b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.tiles span { display: block; }
.verdict { border-left: 5px solid var(--good); background: var(--soft); border-radius: 6px;
  padding: 1rem 1.2rem .6rem; margin-top: 1.2rem; }
.verdict p { margin: 0 0 .25rem; max-width: 58rem; }
.verdict.care { border-color: var(--care); }
.verdict.problem { border-color: var(--problem); }
.verdict ul { list-style: none; margin: .9rem 0 0; padding: 0; }
.verdict li { display: grid; grid-template-columns: 4.6rem 1fr; padding: .5rem 0;
  border-top: 1px solid var(--line); }
.level { font-size: .82rem; padding-top: .1rem; }
.problem > .level { color: var(--problem); }
.care > .level { color: var(--care); }
.note > .level { color: var(--note); }
p.note { color: var(--muted); font-size: .88rem; margin-top: .5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.scroll > table { min-width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .38rem 1.1rem .38rem 0; }
th { color: var(--muted); font-weight: 600; font-size: .82rem; border-bottom: 1px solid var(--ink);
  white-space: nowrap; }
tbody tr + tr td { border-top: 1px solid var(--line); }
.r { text-align: right; white-space: nowrap; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: .4rem 2.2rem; }
.words { width: 100%; }
.words td { padding: .16rem .6rem .16rem 0; overflow-wrap: anywhere; }
.words tr + tr td { border: 0; }
.one { white-space: nowrap; }
.meter { min-width: 9rem; padding-top: .36rem; }
.words .meter { min-width: 0; }
.wide { width: 34%; }
.meter i { display: block; height: .62rem; background: var(--accent); border-radius: 1px;
  min-width: 1px; }
.meter i.pale { opacity: .4; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
figure { margin: .6rem 0 1.2rem; overflow-x: auto; }
figcaption { color: var(--muted); font-size: .85rem; }
figure svg { display: block; width: 100%; min-width: 40rem; height: auto; }
svg text { fill: var(--muted); font-size: 12px; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .bar, svg .cell { fill: var(--accent); }
svg .pale { opacity: .5; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--muted); stroke-width: 1; }
.state-finished { fill: var(--finished); background: var(--finished); }
.state-failed { fill: var(--failed); background: var(--failed); }
.state-closed { fill: var(--closed); background: var(--closed); }
.state-cancelled { fill: var(--cancelled); background: var(--cancelled); }
.state-other { fill: var(--other); background: var(--other); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .88rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem;
  border-radius: 2px; vertical-align: -.08rem; }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --muted: #444; --line: #ccc;
    --soft: #f4f4f4; --accent: #0072b2; --problem: #b3261e; --care: #9a5b00; --note: #444;
    --good: #1b7f4d; --finished: #0072b2; --failed: #d55e00; --closed: #9aa3ad;
    --cancelled: #cc79a7; --other: #444c55; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  tr, figure, .columns > div, .verdict li, .tiles div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll, figure { overflow: visible; }
  figure svg { min-width: 0; }
}
"""
