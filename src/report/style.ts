/** The report's style sheet: light and dark by the reader's setting, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fbfbf9, #16181b);
  --panel: light-dark(#fff, #1e2126);
  --ink: light-dark(#1c1e21, #e6e7e9);
  --dim: light-dark(#62676e, #9aa1aa);
  --line: light-dark(#dfe1e4, #32363d);
  --accent: light-dark(#0b6b74, #2b94a0);
  --weak: light-dark(#e3eef0, #24343a);
  --strong: light-dark(#0b5963, #18838f);
  --alert: light-dark(#8a4b00, #f0b566);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .5rem; }
p { margin: .25rem 0 .75rem; max-width: 42rem; }
.dim, figcaption { color: var(--dim); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.facts div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .75rem .9rem; }
.facts dt { color: var(--dim); font-size: .85rem; }
.facts dd { margin: .1rem 0 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.facts small { display: block; color: var(--dim); font-size: .8rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem 1.25rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; }
thead th { color: var(--dim); font-size: .85rem; }
svg { min-width: 36rem; max-width: 100%; height: auto; font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
svg text { fill: var(--ink); }
svg .on-strong { fill: #fff; }
.bar { fill: var(--accent); }
.mark { stroke: var(--ink); stroke-width: 2; }
figure { margin: .5rem 0; overflow-x: auto; }
ul.warnings { padding: .75rem 1rem .75rem 2rem; border: 1px solid var(--alert); border-radius: 8px; background: var(--panel); }
code { font: .9em ui-monospace, monospace; }
@media print { body { background: none; } main { padding: 0; } }
`;
