"""The LaTeX commands of the language; operators and functions keep the words of the vocabulary."""

from __future__ import annotations

import unicodedata
from types import MappingProxyType

__all__ = ["ACCENTS", "FONTS", "FRACTIONS", "GREEK", "SILENT", "SPACES", "SYMBOLS"]

GREEK = MappingProxyType(
    {
        **{
            unicodedata.name(char).rsplit(" ", 1)[1].lower().replace("lamda", "lambda"): char
            for char in "αβγδεζηθικλμνξοπρστυφχψω"
        },
        **{
            unicodedata.name(char).rsplit(" ", 1)[1].capitalize().replace("Lamda", "Lambda"): char
            for char in "ΓΘΛΞΠΣΥΦΨΩ"
        },
        "varepsilon": "ε",
        "vartheta": "θ",
        "varphi": "φ",
        "varrho": "ρ",
        "varsigma": "σ",
        "varpi": "π",
        "varkappa": "κ",
        "ell": "l",
        "imath": "i",
        "jmath": "j",
        "hbar": "ħ",
        "infty": "∞",
    }
)
SYMBOLS = MappingProxyType(
    {
        "partial": "∂",
        "nabla": "∇",
        "Delta": "Δ",
        "triangle": "Δ",
        "Box": "□",
        "square": "□",
        "cdot": "·",
        "bullet": "·",
        "times": "×",
        "otimes": "⊗",
        "colon": ":",
        "sum": "∑",
        "div": "/",
        "ast": "*",
        "top": "⊤",
        "intercal": "⊤",
        "lbrace": "(",
        "rbrace": ")",
        "lbrack": "[",
        "rbrack": "]",
        "lvert": "|",
        "rvert": "|",
        "vert": "|",
        "mid": "|",
        "lVert": "‖",
        "rVert": "‖",
        "Vert": "‖",
        "|": "‖",
        "{": "(",
        "}": ")",
    }
)
SPACES = {",", ";", ":", "!", " ", ">", "\n", "\t", "quad", "qquad", "thinspace", "enspace", "limits", "nolimits"}
SILENT = {
    *("displaystyle", "textstyle", "scriptstyle", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr"),
    *("biggl", "biggr", "Biggl", "Biggr", "rm", "bf", "it", "nonumber", "notag", "mathop", "limits"),
}
FONTS = {
    *("mathbf", "boldsymbol", "bm", "vec", "mathcal", "mathsf", "mathit", "mathfrak", "mathbb", "mathscr", "pmb"),
    *("mathrm", "operatorname", "text", "textrm", "textbf", "textit", "mathnormal", "overrightarrow", "underline"),
}
FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac"}
ACCENTS = {"dot": 1, "ddot": 2, "dddot": 3}
