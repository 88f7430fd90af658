"""Assembly of the page: head, navigation, sections; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from monai_echosynth.workflows.report.markup import Section
from monai_echosynth.workflows.report.theme import STYLE

__all__ = ["render_page"]

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><div class="wrap">
<p class="kicker">{kicker}</p>
<h1>{title}</h1>
{lead}
</div></header>
<nav aria-label="Sections"><div class="wrap">{links}</div></nav>
<main id="main" class="wrap">
{sections}
</main>
<footer><div class="wrap">{footer}</div></footer>
</body>
</html>
"""


def render_page(title: str, kicker: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    """Fills the template.

    Args:
        title: Plain text.
        kicker: Line above the title, plain text.
        lead: Markup below the title.
        sections: In reading order.
        footer: Plain text.
    """
    links = "".join(f'<a href="#{escape(part.anchor)}">{escape(part.anchor.capitalize())}</a>' for part in sections)
    bodies = "\n".join(
        f'<section id="{escape(part.anchor)}" aria-labelledby="{escape(part.anchor)}-title">'
        f'<h2 id="{escape(part.anchor)}-title">{escape(part.title)}</h2>{part.body}</section>'
        for part in sections
    )
    return TEMPLATE.format(
        title=escape(title),
        kicker=escape(kicker),
        style=STYLE,
        lead=lead,
        links=links,
        sections=bodies,
        footer=escape(footer),
    )
