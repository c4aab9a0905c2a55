"""SVG, element by element, every text and attribute escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

__all__ = ["STYLE", "element", "number", "picture", "text", "text_width", "title"]

STYLE = """\
.oc{--ink:#1b2430;--soft:#5b6675;--line:#9aa5b1;--paper:#fff;--node:#eef3fb;--edge:#3b6fb6;--top:#fdf1dc;--topedge:#b7791f}
@media(prefers-color-scheme:dark){.oc{--ink:#e6eaf0;--soft:#a3afbd;--line:#5c6875;--paper:#14181f;--node:#1f2a3a;\
--edge:#7fb0f5;--top:#3a2f1a;--topedge:#e0a94a}}
.oc text{font:14px ui-sans-serif,system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.oc .soft{fill:var(--soft);font-size:12px}.oc .mid{text-anchor:middle}
.oc .link{stroke:var(--line);fill:none;stroke-width:1.2}
.oc .node rect{fill:var(--node);stroke:var(--edge)}.oc .top rect{fill:var(--top);stroke:var(--topedge)}
.oc .name{font-weight:600}.oc .label{font-size:12px;fill:var(--soft)}
.oc .frame{fill:none;stroke:var(--line)}.oc .dash{stroke-dasharray:4 4}
.oc .arrow{stroke-width:2;fill:none}.oc .tip{stroke:none}
"""
"""Colours and letters of all drawings, for light and dark surroundings."""


def element(name: str, *children: str, **attributes: object) -> str:
    """Return an element; children are markup already, a trailing underscore of an attribute is dropped."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(number(value))}" for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(content: str, **attributes: object) -> str:
    """Return a text element."""
    return element("text", escape(content), **attributes)


def title(content: str) -> str:
    """Return what is shown when the pointer rests on an element, and read to those who do not see it."""
    return element("title", escape(content))


def number(value: object) -> str:
    """Return an attribute's value, numbers to a tenth."""
    if not isinstance(value, float):
        return str(value)
    rounded = round(value, 1) + 0.0  # adding zero turns −0 into 0
    return f"{rounded:g}"


def picture(width: float, height: float, heading: str, *children: str) -> str:
    """Return a drawing that carries its own style."""
    return element(
        "svg",
        title(heading),
        element("style", escape(STYLE)),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        class_="oc",
        role="img",
    )


def text_width(content: str, size: float = 14) -> float:
    """Return roughly how wide a text is drawn; raised and lowered digits are narrow."""
    narrow = sum(letter in "₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹ᵢ·,. []()il|" for letter in content)
    return size * (0.62 * (len(content) - narrow) + 0.4 * narrow)
