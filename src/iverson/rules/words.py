"""WORDS: every sentence of an explanation, in English and in Chinese, by the rule that a recorded step carries.

A gap {x} is filled with a formula or a name; what stands in backticks is a formula in iverson notation.  Each renderer
writes both in its own way.  FORMS: what an array is.
"""

from __future__ import annotations

SLOPE = ("derivative of {f}: {slope}", "{f} 的导数是 {slope}")

WORDS: dict[str, tuple[str, str]] = {
    # rules of differentiation
    "sum":            ("sum rule: term by term",                                            "加法法则：逐项求导"),
    "only-term":      ("only this term of {q} contains {x}",                                "{q} 中只有这一项含有 {x}"),
    "start":          ("{q} written with indices",                                          "把 {q} 写成分量形式"),
    "linear":         ("linearity: sums and constant factors pass through the derivative",  "求导是线性的：与求和交换次序，无关的因子提到外面"),
    "drop":           ("terms without {x} drop out",                                        "不含 {x} 的项导数为 0"),
    "factor":         ("constant factors stay",                                             "与 {x} 无关的因子提到导数外面"),
    "product":        ("product rule: one factor at a time, the others stay",               "乘法法则：逐个因子求导再相加"),
    "power":          ("power rule: `u^n` gives `n*u^(n - 1)` times the derivative of `u`", "幂法则：`u^n` 的导数是 `n*u^(n - 1)` 乘以 `u` 的导数"),
    "element":        ("an entry of {x} by another is 1 where the indices agree, else 0",   "{x} 的分量之间求导：下标相同为 1，否则为 0"),
    "element-again":  ("again an entry of {x} by an entry",                                 "同样，{x} 的分量对分量求导"),
    "bracket":        ("a bracket is constant between its jumps, so its derivative is 0",   "括号是分段常数，导数为 0"),
    "sum-of":         ("the derivative goes under the sum",                                 "求导与求和交换次序"),
    "prod-of":        ("product rule: one factor at a time, times all the others",          "连乘求导：每次对一个因子求导，其余因子照写"),
    "max-of":         ("only the terms that reach the maximum count; a tie is shared evenly", "只有取到最大值的项起作用，并列时平均分配"),
    "min-of":         ("only the terms that reach the minimum count; a tie is shared evenly", "只有取到最小值的项起作用，并列时平均分配"),
    "argmax-of":      ("argmax is an index and has no derivative",                          "argmax 是下标，没有导数"),
    "argmin-of":      ("argmin is an index and has no derivative",                          "argmin 是下标，没有导数"),
    "num":            ("a constant has the derivative 0",                                   "常数的导数为 0"),
    "size":           ("a constant has the derivative 0",                                   "常数的导数为 0"),
    "const":          ("a constant has the derivative 0",                                   "常数的导数为 0"),
    "idx":            ("an index has the derivative 0",                                     "下标的导数为 0"),
    "differential":   ("{f} has the differential {g}; what multiplies {dA} is the derivative", "{f} 的微分是 {g}，其中 {dA} 的系数就是导数"),
    "inner":          ("with {equation}",                                                   "其中 {equation}"),

    # elementwise functions; a row of CALCULUS
    "derivative-of-exp":      ("derivative of exp: {slope} again",                          "指数函数的导数是它本身"),
    "derivative-of-log":      ("derivative of log: {slope}",                                "对数求导：{f} 的导数是 {slope}"),
    "derivative-of-abs":      ("derivative of {f}: {slope}, the slope 0 at the kink `u = 0`", "绝对值的导数是 {slope}，在不可导点 `u = 0` 处取 0"),
    "derivative-of-sign":     ("{f} is constant on both sides of its jump at `u = 0`: derivative 0", "{f} 在跳跃点 `u = 0` 两侧都是常数，导数为 0"),
    "derivative-of-floor":    ("{f} has no usable derivative",                              "{f} 没有可用的导数"),
    "derivative-of-ceil":     ("{f} has no usable derivative",                              "{f} 没有可用的导数"),
    "derivative-of-round":    ("{f} has no usable derivative",                              "{f} 没有可用的导数"),
    "derivative-of-max":      ("derivative of max: that of the larger one, the second at a tie", "max 求导：对较大的一个求导，相等时取第二个"),
    "derivative-of-min":      ("derivative of min: that of the smaller one, the second at a tie", "min 求导：对较小的一个求导，相等时取第二个"),
    **{f"derivative-of-{f}": SLOPE for f in (
        "log1p", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "erf", "sigmoid", "softplus",
        "arcsinh", "arccosh", "arctanh", "arctan2", "erfc", "erfinv", "gamma", "gammaln", "digamma", "polygamma", "logit", "cbrt",
        "logaddexp", "xlogy")},
    "derivative-of-declared": SLOPE,
    "one-sided":              ("{f} has the slope {slope}; at the kink {tie} the slope 0 is taken", "{f} 的斜率是 {slope}，在不可导点 {tie} 处取 0"),

    # brackets, names, algebra
    "collapse":       ("{brackets} keeps only the term {terms}",                            "括号 {brackets} 只保留 {terms} 的一项"),
    "condition":      ("the condition {condition} becomes the bracket {bracket}",           "求和条件 {condition} 变成括号 {bracket}"),
    "tidy":           ("collect and cancel",                                                "合并、约分、整理"),
    "name":           ("by the definition of {q}",                                          "由 {q} 的定义代回"),
    "where":          ("with {equation}",                                                   "其中 {equation}"),
    "identity":       ("because {identity}",                                                "利用恒等式 {identity}"),
    "fact":           ("because {identity} was declared",                                   "由已知条件 {identity}"),

    "jump":           ("Note: {L} jumps where {where}; the gradient is that of its pieces and ignores the jump", "注意：{L} 在 {where} 处跳跃；梯度只是各段的梯度，不计跳跃"),

    # between definitions
    "chain":          ("chain rule: {x} enters {L} through {q}",                           "由链式法则，{x} 通过 {q} 影响 {L}"),
    "chain-direct":   ("chain rule: {x} enters {L} through {q}, and directly",             "由链式法则，{x} 通过 {q} 影响 {L}，又在 {L} 中直接出现"),
    "chain-upstream": ("chain rule: sum over the entries of {q}",                           "由链式法则，对 {q} 的各分量求和"),
    "found":          ("put in the derivatives found above",                                "代入上面求得的导数"),
    "put-in":         ("put in {gradients}",                                                "代入 {gradients}"),
    "convention":     ("by the convention chosen for {x}",                                  "按为 {x} 所选的约定取梯度"),
    "matrix":         ("matrix form",                                                       "写成矩阵形式"),
    "shorter":        ("collect like terms and common factors",                             "合并同类项，提出公因子"),
    "symmetric-matrix": ("{x} is symmetric: {turned} = {x}",                                "{x} 是对称矩阵：{turned} = {x}"),
    "inverse-cancels": ("{x} is the identity",                                              "{x} 是单位矩阵"),
    "inverse-of-product": ("{x}: the inverse of a product is the product of the inverses, in reverse order", "{x}：乘积的逆等于各因子之逆的反序乘积"),
    "det-of-product": ("{x}: the determinant of a product is the product of the determinants", "{x}：乘积的行列式等于行列式的乘积"),
    "entry":          ("{term} is entry {place} of {matrix}",                               "{term} 是 {matrix} 的第 {place} 元"),

    # headings and sentences of their own
    "title":          ("The gradient of {L} by {x}",                                        "求 {L} 对 {x} 的梯度"),
    "title-jacobian": ("The Jacobian of {L} by {x}",                                        "求 {L} 对 {x} 的雅可比矩阵"),
    "title-upstream": ("The gradient by {x}, given the gradient {delta} by {L}",            "已知对 {L} 的梯度 {delta}，求对 {x} 的梯度"),
    "given":          ("Given",                                                             "已知"),
    "plan":           ("Let {first} be the derivative of {L} by {by}, with the shape of {by}, and so on.  From {L} back we find {order}.", "记 {first} 为 {L} 对 {by} 的导数，形状与 {by} 相同，其余类推。从 {L} 往回，依次求 {order}。"),
    "plan-jacobian":  ("Let {first} be the derivative of {L} by {by}.",                     "记 {first} 为 {L} 对 {by} 的导数。"),
    "heading":        ("{number}. The derivative of {L} by {x}",                            "{number}. 求 {L} 对 {x} 的导数"),
    "heading-upstream": ("{number}. The gradient by {x}",                                   "{number}. 求对 {x} 的梯度"),
    "inner-heading":  ("First {q} by {x}:",                                                 "先求 {q} 对 {x} 的导数："),
    "direct-heading": ("The part of {L} that contains {x} directly:",                       "{L} 中直接含有 {x} 的部分："),
    "then-heading":   ("Together:",                                                         "合起来："),
    "independent":    ("{L} does not depend on {x}",                                        "{L} 与 {x} 无关"),
    "result":         ("Result",                                                            "结果"),
    "closed":         ("In one formula",                                                    "合起来写成一个公式"),
    "closed-where":   ("where",                                                             "其中"),
}

FORMS = {
    "scalar": ("scalar", "标量"), "column": ("column", "列向量"), "row": ("row", "行向量"), "matrix": ("matrix", "矩阵"),
    "tensor": ("tensor", "张量"), "label": ("label", "标签"), "function": ("function", "函数"),
}

STOPS = ({"and": "; ", "list": ", ", "end": "."}, {"and": "；", "list": "、", "end": "。"})
