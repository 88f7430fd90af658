"""Style sheet of the report: light, dark and print, one column that fits a phone, system fonts only."""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

COLORS: Final = """
:root{--paper:#fff;--wash:#f5f7fa;--card:#fff;--ink:#1c2733;--muted:#5d6b7a;--grid:#dde3ea;
--real:#0072b2;--synthetic:#d55e00;--mixed:#00916a;--prior:#8a4fbf}
@media (prefers-color-scheme:dark){@media screen{:root{--paper:#10151b;--wash:#161d25;--card:#1a222c;--ink:#e6ebf1;
--muted:#98a6b5;--grid:#2b3641;--real:#4aa8e0;--synthetic:#f58a3c;--mixed:#2cc79b;--prior:#b98ae6}}}
"""

TEXT: Final = """
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.wrap{max-width:1080px;margin:0 auto;padding:0 1.5rem}
header{background:var(--wash);border-bottom:1px solid var(--grid);padding:2.6rem 0 2.2rem}
.kicker{margin:0;color:var(--muted);font-size:.85rem;letter-spacing:.04em}
h1{margin:.3rem 0 .6rem;font-size:clamp(1.7rem,4vw,2.5rem);line-height:1.15;letter-spacing:-.02em}
.lead{max-width:46rem;margin:0 0 1.6rem;font-size:1.12rem}
section{padding:2.6rem 0 1.2rem;border-bottom:1px solid var(--grid)}
section:last-child{border:0}
h2{margin:0 0 .8rem;font-size:1.45rem;letter-spacing:-.01em;line-height:1.25}
h3{margin:1.4rem 0 .5rem;font-size:.95rem;font-weight:600}
p{max-width:46rem;margin:.4rem 0 1rem}
.small,.note,figcaption{color:var(--muted);font-size:.88rem}
.note{border-left:3px solid var(--grid);padding-left:.8rem}
nav{position:sticky;top:0;z-index:5;background:var(--paper);border-bottom:1px solid var(--grid)}
nav .wrap{display:flex;justify-content:space-between;gap:1.2rem;overflow-x:auto;white-space:nowrap;scrollbar-width:none}
nav a{padding:.7rem 0;color:var(--muted);font-size:.85rem;text-decoration:none}
nav a:hover,nav a:focus{color:var(--ink)}
.skip{position:absolute;left:-99em}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem;z-index:9}
pre{overflow-x:auto;background:var(--wash);border:1px solid var(--grid);border-radius:8px;padding:1rem}
code{font:.9rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
li{max-width:46rem;margin:.3rem 0}
footer{background:var(--wash);border-top:1px solid var(--grid);padding:1.4rem 0;color:var(--muted);font-size:.88rem}
"""

PARTS: Final = """
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:.9rem}
.card{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:1rem 1.1rem}
.card .value{font-size:1.75rem;font-weight:650;letter-spacing:-.02em;line-height:1.2;font-variant-numeric:tabular-nums}
.card .name{font-size:.9rem;font-weight:600}
.card .remark{font-size:.82rem;color:var(--muted)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;margin:.6rem 0 1.4rem;min-width:min(100%,34rem);font-size:.93rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding-bottom:.35rem}
th,td{padding:.42rem 1.4rem .42rem 0;text-align:right;vertical-align:top}
th:first-child{text-align:left}
thead th{border-bottom:2px solid var(--grid);font-weight:600;color:var(--muted);font-size:.85rem}
tbody th{font-weight:500}
tbody tr+tr>*{border-top:1px solid var(--grid)}
td:last-child,th:last-child{padding-right:.2rem}
.ci{color:var(--muted);font-size:.82em;white-space:nowrap}
figure{margin:.8rem 0 1.6rem}
figcaption{margin-top:.4rem}
figure .scroll>svg{display:block;width:min(100%,var(--natural,100%)*1.32);min-width:32rem;height:auto}
figure svg text{font-family:inherit!important}
img.mosaic{display:block;max-width:100%;height:auto;border-radius:6px}
.columns{columns:2 26rem;column-gap:2.5rem}
.columns .scroll,.columns details{break-inside:avoid}
.columns table{min-width:100%;margin-top:0}
.columns td{overflow-wrap:anywhere;max-width:18rem}
details{margin:.3rem 0}summary{cursor:pointer;padding:.25rem 0;font-size:.93rem}
"""

FRAMES: Final = """
.frames{margin:.6rem 0 1rem}
.frames>input{accent-color:var(--real);margin:0 .45rem 0 0}
.frames>label{font-size:.9rem;cursor:pointer;margin-right:1.4rem}
.key{font-size:.85rem;color:var(--muted);margin-right:1rem;white-space:nowrap}
.key i{display:inline-block;width:1.1rem;height:.28rem;border-radius:2px;margin-right:.4rem;vertical-align:middle}
.key i.dashed{height:0;border-top:2px dashed var(--muted);border-radius:0}
.row{display:grid;grid-template-columns:repeat(var(--columns),minmax(0,1fr));gap:.6rem}
.frame{margin:0}
.screen{position:relative;background:#000;border-radius:6px;overflow:hidden}
.screen img,.screen svg{position:absolute;inset:0;width:100%;height:100%;display:block}
.screen path{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.screen path.reference{stroke:#fff;stroke-width:1.4;stroke-dasharray:4 3}
.frames>input:not(:checked)~.row .contours{display:none}
.frame figcaption{margin:.25rem 0 0;border-top:3px solid transparent;padding-top:.15rem;font-size:.8rem}
.frame.real figcaption{border-color:var(--real)}
.frame.synthetic figcaption{border-color:var(--synthetic)}
.frame.mixed figcaption{border-color:var(--mixed)}
@media (max-width:640px){.row{grid-template-columns:repeat(2,minmax(0,1fr))}.wrap{padding:0 1rem}}
"""

PRINT: Final = """
@media print{
nav,.skip,.frames>input,.frames>label{display:none}
body{font-size:10.5pt}.wrap{max-width:none;padding:0}header{padding:0 0 1rem;background:none}
section{padding:1.2rem 0 .4rem}
figure,table,.row,.card{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
details::details-content{content-visibility:visible;display:block}
.scroll{overflow:visible}
}
"""

STYLE: Final = "\n".join((COLORS, TEXT, PARTS, FRAMES, PRINT))
