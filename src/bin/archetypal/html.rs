//! What the pages that the command writes have in common: no scripts, nothing to load.

/// Their style, in light and dark.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--soft:#667085;--grid:#d9dee6;--paper:#fff;--end:#0f6e84;--start:#c4772a}\
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#98a2b3;--grid:#333b47;--paper:#14181e;--end:#5cc3da;--start:#e9a765}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}p.soft{color:var(--soft)}\
.wide{overflow-x:auto;margin-bottom:1.5rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;font-size:.9rem}dd{margin:0;color:var(--soft)}@media(max-width:40rem){dl{display:block}}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}\
td{white-space:nowrap}th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--grid)}th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}\
svg{max-width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}svg .soft{fill:var(--soft)}svg line{stroke:var(--grid)}\
.end{fill:var(--end)}.start{fill:none;stroke:var(--start);stroke-width:2}.bar{fill:var(--end)}";

/// Text as it can stand in a page.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
