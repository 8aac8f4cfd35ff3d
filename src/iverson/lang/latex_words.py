r"""What the commands of LaTeX and the signs of a chalkboard stand for: tables and nothing else.

A row says what a command becomes: another token, nothing, a letter, a function.  Signs of Unicode are spelled as the LaTeX
that means the same, so both notations have one grammar.
"""

from __future__ import annotations

from .ops import OPS
from .show import GREEK

LETTERS = {
    **{"\\" + g: g for g in GREEK},
    r"\varepsilon": "epsilon", r"\vartheta": "theta", r"\varphi": "phi", r"\varrho": "rho", r"\varsigma": "sigma",
    r"\varkappa": "kappa", r"\iota": "iota", r"\upsilon": "upsilon", r"\Upsilon": "Upsilon", r"\omicron": "omicron",
    r"\varpi": "varpi", r"\ell": "ell", r"\hbar": "hbar", r"\imath": "i", r"\jmath": "j", r"\infty": "inf", r"\aleph": "aleph",
    r"\digamma": "digamma", r"\wp": "wp", r"\Re": "Re", r"\Im": "Im", r"\emptyset": "emptyset", r"\varnothing": "emptyset",
}

# a command that is another way to write a sign
SIGNS = {
    r"\lVert": "\\|", r"\rVert": "\\|", r"\Vert": "\\|", r"\lvert": "|", r"\rvert": "|", r"\vert": "|",
    r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", r"\ge": ">=", r"\geq": ">=", r"\geqslant": ">=", r"\ne": "!=",
    r"\neq": "!=", r"\lt": "<", r"\gt": ">", "≠": "!=", "≤": "<=", "≥": ">=", "−": "-", "∗": "*", "：": ":", "＝": "=",
    r"\triangleq": "=", r"\equiv": "=", r"\coloneqq": "=", r"\doteq": "=", r"\coloneq": "=", r"\defeq": "=",
    r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]", r"\lparen": "(", r"\rparen": ")", r"\colon": ":",
    r"\wedge": r"\land", r"\vee": r"\lor", r"\lnot": r"\neg", r"\bigodot": r"\odot", r"\ast": "*", r"\star": r"\star",
    r"\bullet": r"\cdot", r"\circledast": "*", r"\nolimits": "", r"\newline": r"\\", r"\cr": r"\\", r"\prime": "'",
    r"\thinspace": "", r"\lgroup": "(", r"\rgroup": ")", r"\intercal": r"\top", r"\triangledown": r"\nabla",
    r"\bigtriangledown": r"\nabla", r"\qquad": r"\quad", r"\hfill": r"\quad", r"\notin": r"\in", r"\dfrac": r"\frac", r"\tfrac": r"\frac",
    r"\cfrac": r"\frac", r"\dbinom": r"\binom", r"\tbinom": r"\binom",
    r"\owns": r"\in", r"\implies": r"\Rightarrow", r"\iff": r"\Rightarrow", r"\therefore": r"\Rightarrow",
    r"\because": r"\Rightarrow", r"\rightarrow": r"\Rightarrow", r"\to": r"\Rightarrow", r"\Leftrightarrow": r"\Rightarrow",
    r"\Longrightarrow": r"\Rightarrow", r"\longrightarrow": r"\Rightarrow", r"\leftarrow": r"\gets",
    r"\mapsto": r"\Rightarrow", r"\dots": r"\ldots", r"\cdots": r"\ldots", r"\vdots": r"\ldots",
    r"\ddots": r"\ldots", r"\dotsc": r"\ldots", r"\dotsb": r"\ldots", r"\leftrightarrow": r"\Rightarrow",
    r"\parallel": "\\|", r"\dag": r"\dagger", r"\divides": r"\mid", r"\lbr": "[", r"\bigsqcap": "",
    r"\simeq": r"\approx", r"\cong": r"\approx",
}

IGNORED = frozenset(r"""\, \; \! \: \> \  \/ \displaystyle \textstyle \scriptstyle \scriptscriptstyle \limits \nonumber \notag
\left \right \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \bigm \Bigm \biggm \Biggm \hline
\allowbreak \noindent \small \normalsize \strut \mathstrut \relax \centering \protect \rm \bf \it \cal \sf \tt \sl
\medspace \thickspace \negthinspace \enspace \begingroup \endgroup \large \Large \break \nobreak \par \indent \mathrel \mathbin
\mathord \mathopen \mathclose \mathpunct \mathinner \phantomsection \raggedright""".split()
) | {"\\ ", "\\\n"}
OPENING = frozenset(r"\left \bigl \Bigl \biggl \Biggl".split())
CLOSING = frozenset(r"\right \bigr \Bigr \biggr \Biggr".split())
DROPPED = {r"\tag": 1, r"\label": 1, r"\color": 1, r"\vspace": 1, r"\hspace": 1, r"\ref": 1, r"\eqref": 1, r"\phantom": 1,
           r"\textcolor": 1, r"\cite": 1, r"\footnote": 1, r"\vphantom": 1, r"\hphantom": 1, r"\stackrel": 1, r"\overset": 1,
           r"\underset": 0, r"\colorbox": 1, r"\tag*": 1, r"\hspace*": 1, r"\rlap": 0, r"\llap": 0}
BRACED = {r"\underbrace": "_", r"\overbrace": "^", r"\underline": "", r"\overbracket": "^", r"\underbracket": "_",
          r"\boxed": "=", r"\fbox": "=", r"\ensuremath": "=", r"\smash": "=", r"\mathop": "="}  # =: without braces
WORDS = frozenset(r"""\mathrm \text \operatorname \operatorname* \mathit \textrm \textit \textbf \texttt \mathtt \mbox \hbox \textsf
\textnormal \mathnormal \mathsf \mathop* \textup""".split())
STYLES = {r"\mathbf": r"\mathbf", r"\boldsymbol": r"\mathbf", r"\bm": r"\mathbf", r"\pmb": r"\mathbf", r"\mathcal": r"\mathcal",
          r"\mathscr": r"\mathcal", r"\mathfrak": r"\mathfrak", r"\mathbb": r"\mathbb", r"\mathbbm": r"\mathbb",
          r"\mathds": r"\mathbb", r"\boldmath": r"\mathbf", r"\mathbfit": r"\mathbf", r"\symbf": r"\mathbf"}
ACCENTS = {r"\hat": "hat", r"\widehat": "hat", r"\tilde": "tilde", r"\widetilde": "tilde", r"\bar": "bar", r"\overline": "bar",
           r"\vec": "vec", r"\dot": "dot", r"\ddot": "ddot", r"\check": "check", r"\breve": "breve", r"\overrightarrow": "vec",
           r"\acute": "acute", r"\grave": "grave", r"\mathring": "ring"}

# functions by command or by word; what they are called in iverson notation
FUNCTIONS = {
    **{name: row.name for name, row in OPS.items() if row.shape not in ("build", "fill", "spread", "block", "onehot")
       and name not in ("dominant", "power", "pow", "square", "vector", "gamma", "psi", "hypot", "round", "step", "floor",
                        "ceil", "normalize", "normalise", "norm", "fro", "polar")},
    "sigm": "sigmoid", "Sigmoid": "sigmoid", "ReLU": "relu", "Relu": "relu", "RELU": "relu", "Softmax": "softmax",
    "SoftMax": "softmax", "Tr": "tr", "Trace": "tr", "Diag": "diag", "sgn": "sign", "LSE": "logsumexp", "lse": "logsumexp",
    "Softplus": "softplus", "GELU": "gelu", "SiLU": "silu", "ELU": "elu", "Det": "det", "logit": "logit", "arsinh": "arcsinh",
    "arcosh": "arccosh", "artanh": "arctanh", "Tanh": "tanh", "abs": "abs", "vec": "vec", "Clip": "clip",
    "LeakyReLU": "leaky_relu", "Mish": "mish", "Huber": "huber", "LogSumExp": "logsumexp", "arctg": "arctan", "tg": "tan", "th": "tanh",
}
OPEN_WORDS = ("eye", "ones", "onehot", "vec", "kron", "concat", "diff")     # operators of a chalkboard that take sizes, labels, parts
LONG = ("tr", "det", "logdet", "diag")     # take a whole product without parentheses: tr AB is tr(AB)
BIG = {r"\sum": "sum", r"\prod": "prod", r"\max": "max", r"\min": "min", r"\sup": "max", r"\inf": "min"}
ARGS = ("argmax", "argmin", "mean", "max", "min", "sum", "prod")
PREFIXES = (r"\min", r"\max", r"\arg", "argmin", "argmax", "minimize", "maximize", "minimise", "maximise", "min", "max")
RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
LISTS = frozenset("aligned align alignat split gather gathered equation eqnarray multline displaymath math flalign "
                  "subequations document center small dmath alignedat multlined".split())
GRIDS = frozenset("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array".split())
CASES = frozenset("cases dcases rcases numcases".split())
STOPPERS = ("s.t.", "s.t", "st", "subject to", "subjectto", "such that", "约束", "subject")
SPEECH = frozenset("""where with and if for otherwise when else let then so hence thus therefore is are the a an of given that subject to
such which denotes here all or not as by we have has our in on""".split())

# one sign of Unicode as LaTeX; letters with accents are composed first
CHALK = {
    **dict(zip("αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΠΣΦΨΩπ", ("\\" + g for g in GREEK), strict=True)),
    "ϵ": r"\epsilon", "ϕ": r"\phi", "ℓ": r"\ell", "∞": r"\infty", "∑": r"\sum", "∏": r"\prod", "√": r"\sqrt", "·": r"\cdot", "⋅": r"\cdot",
    "×": r"\times", "∘": r"\circ", "⊙": r"\odot", "⊘": r"\oslash", "⊗": r"\otimes", "‖": "\\|", "∥": "\\|", "⟨": r"\langle",
    "⟩": r"\rangle", "〈": r"\langle", "〉": r"\rangle", "∈": r"\in", "∉": r"\in", "∧": r"\land", "∨": r"\lor", "¬": r"\neg", "∂": r"\partial",
    "∇": r"\nabla", "ℝ": r"\mathbb{R}", "ℒ": r"\mathcal{L}", "𝟙": r"\mathbb{1}", "𝟏": r"\mathbf{1}", "≔": "=", "≜": "=", "≡": "=",
    "≈": r"\approx", "∝": r"\propto", "⇒": r"\Rightarrow", "→": r"\Rightarrow", "∴": r"\Rightarrow", "…": r"\ldots", "⋯": r"\ldots",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "∀": r"\forall", "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}",
    "⟦": "[", "⟧": "]", "′": "'", "†": r"\dagger", "ƛ": r"\lambda", "∼": r"\sim", "↦": r"\Rightarrow", "𝔼": r"\mathbb{E}", "𝐈": r"\mathbf{I}",
}
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵀᵗʲᵏᵐᵖ*", (*"0123456789+-()ni", r"\top", *"tjkmp*"), strict=True)) | {"ᵃ": "a", "ᵇ": "b", "ᵈ": "d"}
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ᵢⱼₖₗₘₙₚₜₛₓₐₑₒᵣᵤᵥₕ", "0123456789+-()ijklmnptsxaeoruvh", strict=True)) | {"ᵦ": r"\beta", "ᵧ": r"\gamma"}
MARKS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot", "\u20d7": "vec"}
