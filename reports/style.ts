/** The style of a report: light and dark, printable, one column on a phone. It stands in the page itself. */
export const reportStyle = `
:root { color-scheme: light dark; --text: #1c2127; --soft: #57606a; --line: #d5dae0; --back: #ffffff; --panel: #f5f7f9;
  --good: #176639; --bad: #b42318; --warn: #8a4b00; --info: #0b57b0; }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --soft: #a3adb8; --line: #3a424b; --back: #14181c;
  --panel: #1d2329; --good: #6bd695; --bad: #ff9a8f; --warn: #f2b766; --info: #8cbcff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, header, footer { max-width: 72rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1rem; }
footer { padding-bottom: 2rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; line-height: 1.3; margin: .25rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .35rem 0; overflow-wrap: anywhere; }
ul { margin: .35rem 0; padding-left: 1.1rem; }
li { margin: .3rem 0; overflow-wrap: anywhere; }
a { color: var(--info); }
:focus-visible { outline: 3px solid var(--info); outline-offset: 2px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: .5rem; margin: .35rem 0; }
.soft { color: var(--soft); font-size: .875rem; }
.alarm { border: 3px solid var(--bad); color: var(--bad); padding: .5rem .75rem; font-weight: 600; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 3px; padding: 0 .35em; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.lost, .gaps { color: var(--bad); }
.live, .repaired, .covered { color: var(--good); }
.ambiguous, .conflict, .damaged, .unchecked, .missing, .open, .waiting, .nothing_checked { color: var(--warn); }
.recoverable, .relinkable, .pending, .setAside, .no_rounds { color: var(--info); }
.group { border: 1px solid var(--line); border-left: 4px solid var(--soft); border-radius: 4px; padding: .4rem .75rem; margin: .6rem 0; }
.group.lost { border-left-color: var(--bad); }
div.group { color: var(--text); }
.group li .soft { font-size: .8rem; }
.group h3 { margin-top: .2rem; }
.rounds li { margin: .2rem 0; }
.wide { overflow-x: auto; margin: .4rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .2rem; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem .2rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; }
.t, .t span { white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: .75rem 0; }
figure svg, figure img { width: 100%; height: auto; max-width: 45rem; display: block; }
summary { cursor: pointer; color: var(--info); }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--back); padding: .25rem .5rem; }
@media screen and (min-width: 56rem) {
  .rounds { padding: 0; }
  .rounds li { display: grid; grid-template-columns: 10.5rem minmax(4.5rem, max-content) 6.5rem 1fr; gap: 0 .5rem; align-items: baseline; margin: 0; font-size: .9rem; }
  .rounds li.more { display: block; }
  th[scope="row"] { white-space: nowrap; }
  th wbr { display: none; }
  td code { display: inline-block; min-width: 17rem; word-break: break-all; }
}
@media (max-width: 30rem) {
  body { font-size: 14px; line-height: 1.35; }
  header { padding-top: .35rem; }
  header p { margin: .2rem 0; }
  .soft, .group li .soft { font-size: .75rem; }
  h1 { font-size: 1rem; margin: .2rem 0; }
  h2 { font-size: 1rem; margin: 1.25rem 0 .3rem; }
  main > section:first-child > h2 { margin-top: .5rem; }
  .group { padding: .25rem .6rem; margin: .35rem 0; }
  .group p, .group ul { margin: .2rem 0; }
  .group li { margin: .2rem 0; }
  .group ul { padding-left: .9rem; }
  .group li code { font-size: .9em; }
  .rounds { list-style-type: ""; }
  .group .rounds { padding: 0; }
  table { font-size: .82rem; }
  th, td { padding-right: .4rem; }
  th[scope="row"] { min-width: 6.5rem; }
  thead th { vertical-align: bottom; }
  thead th.n { writing-mode: vertical-rl; padding: .1rem 0; }
  .n { padding-right: .45rem; white-space: nowrap; }
  td.n:last-child { min-width: 3.6rem; }
  .t { white-space: normal; }
  .why { min-width: 7rem; }
  .rounds li > span:not(.soft) { white-space: nowrap; }
}
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; }
  .group, tr, figure { break-inside: avoid; }
  .skip { display: none; }
  .wide { overflow: visible; }
  .t { white-space: normal; }
  td code { display: inline-block; min-width: 5rem; word-break: break-all; }
  a { color: inherit; }
  details::details-content { content-visibility: visible; }
}
`;
