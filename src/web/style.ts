/** The style of every page: light and dark, one column on a phone, printable. Its colours are those of the reports. */
export const style = `
:root { color-scheme: light dark; --text: #1c2127; --soft: #57606a; --line: #d5dae0; --field: #868f99; --back: #ffffff;
  --panel: #f5f7f9; --good: #176639; --bad: #b42318; --warn: #8a4b00; --info: #0b57b0; --on-info: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --soft: #a3adb8; --line: #3a424b; --field: #7d8894; --back: #14181c; --panel: #1d2329;
    --good: #6bd695; --bad: #ff9a8f; --warn: #f2b766; --info: #8cbcff; --on-info: #0d1420; } }

* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body > header, main { max-width: 72rem; margin: 0 auto; padding: 0 1rem; }
main { padding-bottom: 4rem; }
main:focus { outline: none; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.25rem 0 .5rem; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .4rem 0; }
ul, ol { margin: .4rem 0; padding-left: 1.2rem; }
li { margin: .25rem 0; }
a { color: var(--info); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--info); outline-offset: 2px; }
code, pre, cite, .quotes q, .path { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85em; }
pre { white-space: pre-wrap; background: var(--panel); border: 1px solid var(--line); border-radius: 4px;
  padding: .5rem .65rem; margin: .4rem 0; max-width: 100%; }
.muted { color: var(--soft); }
.lead { color: var(--soft); max-width: 60rem; }
.big { font-size: 1.15rem; line-height: 1.4; }
.nowrap, time { white-space: nowrap; }
.hash { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--back); padding: .4rem .7rem; z-index: 1; }

body > header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.5rem; padding-top: .75rem;
  padding-bottom: .6rem; border-bottom: 1px solid var(--line); }
.brand { margin: 0; font-weight: 700; }
.brand a { color: inherit; text-decoration: none; }
body > header ul { display: flex; flex-wrap: wrap; gap: .15rem .35rem; margin: 0; padding: 0; list-style: none; }
body > header li { margin: 0; }
nav[aria-label="Pages"] a { display: block; padding: .3rem .6rem; border-radius: 4px; text-decoration: none; }
nav[aria-label="Pages"] a:hover { background: var(--panel); }
nav a[aria-current] { background: var(--panel); color: var(--text); font-weight: 600;
  box-shadow: inset 0 -2px 0 var(--info); }
.leave { margin-left: auto; display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; font-size: .9rem; }

.badge { display: inline-block; border: 1px solid currentColor; border-radius: 3px; padding: 0 .4em; font-size: .85rem;
  font-weight: 600; line-height: 1.5; white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.warn { color: var(--warn); }
.badge.bad { color: var(--bad); }
.badge.calm { color: var(--info); }
.now, .verdict, .notice { border: 1px solid var(--line); border-left: 5px solid var(--info); border-radius: 4px;
  background: var(--panel); padding: .6rem .9rem; margin: .75rem 0; }
.now.good, .verdict.good, .notice.good { border-left-color: var(--good); }
.now.warn, .verdict.warn { border-left-color: var(--warn); }
.now.bad, .verdict.bad, .notice.bad { border-left-color: var(--bad); }
.notice { font-weight: 600; }
.headline { font-size: 1.5rem; line-height: 1.3; font-weight: 600; margin: .1rem 0 .3rem; }
.headline .badge { font-size: 1rem; vertical-align: .2em; margin-right: .25rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.6rem, 1fr)); gap: .6rem; margin: .5rem 0; }
.figures div { border: 1px solid var(--line); border-radius: 4px; padding: .5rem .7rem; }
.figures dt { font-size: .9rem; font-weight: 600; }
.figures dd { margin: 0; font-size: .85rem; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 1.75rem; margin: .5rem 0; }
.facts div { max-width: 100%; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; }

.frame { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 100%; overflow-wrap: normal; }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .25rem; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: .85rem; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody th.path { font-weight: 400; }
td.number { text-align: left; }
td.prose { min-width: 13rem; overflow-wrap: anywhere; }
tr.own > td { background: var(--panel); }
td details { min-width: 8rem; }
td details[open] { min-width: min(22rem, 80vw); }

summary { cursor: pointer; color: var(--info); padding: .15rem 0; }
.quotes { list-style: none; padding: 0; }
.quotes li { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .65rem; margin: .35rem 0; }
.quotes cite { font-style: normal; color: var(--soft); }
.quotes q { quotes: none; white-space: pre-wrap; }
.entries { list-style: none; padding: 0; border-top: 1px solid var(--line); }
.entries > li { border-bottom: 1px solid var(--line); margin: 0; padding: .25rem 0; }
.entries summary { color: var(--text); }
.seq { display: inline-block; min-width: 2.5rem; font-variant-numeric: tabular-nums; font-weight: 600; color: var(--info); }
.inline { display: flex; flex-wrap: wrap; gap: .15rem .8rem; list-style: none; padding: 0; margin: 0; }
.inline li { margin: 0; }
.files { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); }
.pager { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin: 1rem 0; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem 2rem; }
figure { margin: .5rem 0; min-width: 0; }
.chart svg { display: block; width: 100%; height: auto; }

label, legend { font-weight: 600; font-size: .9rem; }
input, select, textarea, button { font: inherit; font-weight: 400; color: inherit; max-width: 100%; }
input:not([type="radio"]), select, textarea { border: 1px solid var(--field); border-radius: 4px; background: var(--back);
  padding: .35rem .5rem; }
textarea { width: 100%; resize: vertical; }
button { border: 1px solid var(--info); border-radius: 4px; background: var(--info); color: var(--on-info);
  padding: .4rem .9rem; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.12); }
button.quiet { background: none; color: var(--info); border-color: var(--field); padding: .2rem .6rem; font-weight: 400; }
[aria-invalid="true"] { border: 2px solid var(--bad) !important; }
.filter { display: flex; flex-wrap: wrap; align-items: end; gap: .6rem 1rem; margin: .75rem 0; }
.filter label { display: grid; gap: .15rem; }
.filter input, .filter select, .filter button { height: 2.4rem; }
.filter [name="map"] { width: 10rem; }
.filter .wide { flex: 1 1 22rem; max-width: 45rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: 1rem; margin-top: .75rem; }
.card { border: 1px solid var(--line); border-radius: 4px; padding: .75rem .9rem; display: flex; flex-direction: column;
  align-items: start; gap: .35rem; }
.card h3, .card p { margin: 0; }
.card p { font-size: .9rem; }
.card button { margin-top: .35rem; }
.card.resolve { grid-column: 1 / -1; border-color: var(--warn); }
fieldset { border: 0; margin: .25rem 0; padding: 0; min-width: 0; }
.choice { display: flex; gap: .6rem; align-items: baseline; font-weight: 400; padding: .3rem 0; }
small { display: block; color: var(--soft); }
form[action="/login"] { max-width: 26rem; }
form[action="/login"] label { display: block; }
form[action="/login"] input:not([type="hidden"]) { width: 100%; }

@media (max-width: 30rem) {
  body { font-size: 15px; }
  .filter { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem .6rem; }
  .filter label { min-width: 0; }
  .filter input, .filter select, .filter [name="map"] { width: 100%; }
  .filter input, .filter select, .filter button { height: 2.1rem; padding: .2rem .4rem; }
  h1 { font-size: 1.3rem; }
  thead th { white-space: normal; }
  th, td { padding-right: .6rem; }
  td.prose { min-width: 10rem; }
  .headline { font-size: 1.25rem; }
  .leave { margin-left: 0; }
  body > header ul { gap: 0; }
  nav[aria-label="Pages"] a { padding: .3rem .45rem; }
}
@media print {
  body { font-size: 10pt; }
  body > header nav, .leave, .skip, .filter, .decide, .pager { display: none; }
  table, caption, thead th { font-size: 8pt; }
  table { overflow-wrap: anywhere; }
  th, td { padding-right: .4rem; }
  thead th, .nowrap { white-space: normal; }
  td.prose, td details { min-width: 0; }
  tr, figure, .card, .quotes li { break-inside: avoid; }
  .frame { overflow: visible; }
  a { color: inherit; }
}
`;
