"""MISTAKES: the ways in which a right gradient is turned into a wrong one, a row each.

label     what the mistake is called;  also: other names that fit it as well
cost      how far-fetched it is: of all rows that reproduce a gradient, the cheapest is named
words     one sentence in English and Chinese; a gap {part}, {other}, {name} is filled with a formula or a name
change    what to do about it
back      the row for the same step taken on the user's formula: what turns the wrong one into the right one
CONSTANTS are the numbers that are lost by hand, FAMILIES the functions that are taken for each other, SLOPES the wrong
derivatives of a function, the likeliest first, in iverson notation over its argument x, DIFFERENTIALS those of a whole matrix A, over A and dA.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row."""

    key: str
    label: str
    cost: float
    words: tuple[str, str]
    change: tuple[str, str]
    back: str = ""
    also: tuple[str, ...] = ()


SIGN, FACTOR, TERM, EXTRA = "sign", "constant-factor", "dropped-term", "doubled-or-extra-term"
INNER, SLOPE, POWER, SLIP = "missing-inner-derivative", "wrong-inner-derivative", "power-off-by-one", "operand-or-index-slip"
AXIS, LAYOUT, SYMMETRY, OTHER = "wrong-axis-or-missing-sum", "transposed", "symmetric-convention", "other-loss"
REVERSED, FUNCTION, MEAN, ORDER = "reversed-difference", "wrong-function", "mean-for-sum", "product-order"
HOT, NORMALISER, POINTWISE, SCALAR = "one-hot-misplaced", "missing-normaliser-dependence", "elementwise-for-product", "scalar-rule-on-matrix"
STALE = "stale-accumulation"

# fmt: off
ROWS = (
    # of the whole gradient
    Mistake("zero", TERM, 0.1, ("yours is 0: the whole gradient {part} is missing", "你的结果是 0：整个梯度 {part} 都丢了"),
            ("the loss does depend on {name}", "损失确实依赖于 {name}")),
    Mistake("layout", LAYOUT, 0.4, ("yours is the transpose of the gradient", "你的结果是梯度的转置"),
            ("transpose it: the gradient has the shape of {name}", "把它转置：梯度的形状与 {name} 相同")),
    Mistake("sign", SIGN, 0.3, ("yours is -1 times the gradient: the sign is reversed", "你的结果是梯度的 -1 倍：符号反了"),
            ("put a minus in front", "在前面加一个负号"), also=(REVERSED,)),
    Mistake("turned-difference", REVERSED, 0.25, ("the difference is reversed: you have {other} for {part}", "差的方向反了：{part} 写成了 {other}"),
            ("write {part}", "应写 {part}"), also=(SIGN,)),
    Mistake("constant", FACTOR, 0.5, ("yours is {part} times the gradient{reason}", "你的结果是梯度的 {part} 倍{reason}"),
            ("multiply it by {other}", "乘以 {other}")),
    Mistake("average", MEAN, 0.5, ("yours is {part} times the gradient: a mean stands where the loss has a sum", "你的结果是梯度的 {part} 倍：损失是求和，你取了平均"),
            ("multiply it by {other}", "乘以 {other}"), also=(FACTOR,)),
    Mistake("total", FACTOR, 0.5, ("yours is {part} times the gradient: a sum stands where the loss has a mean", "你的结果是梯度的 {part} 倍：损失是平均，你取了求和"),
            ("divide it by {part}", "除以 {part}"), also=(MEAN,)),
    Mistake("entries", SYMMETRY, 0.6, ("yours is G + G' - diag(G), which counts the free entries of a symmetric {name}; the gradient by all entries is G", "你的结果是 G + G' - diag(G)，只数对称阵 {name} 的独立元素；对所有元素的梯度是 G"),
            ("use G = {part}, or ask for symmetric=\"entries\"", "用 G = {part}，或者指定 symmetric=\"entries\"")),
    Mistake("projected", SYMMETRY, 0.6, ("yours is (G + G')/2, the gradient among symmetric {name}; the gradient by all entries is G", "你的结果是 (G + G')/2，是对称阵 {name} 的梯度；对所有元素的梯度是 G"),
            ("use G = {part}, or ask for symmetric=\"projected\"", "用 G = {part}，或者指定 symmetric=\"projected\"")),
    Mistake("both-sides", SYMMETRY, 0.6, ("yours is G + G', with both triangles of a symmetric {name} added up; the gradient by all entries is G", "你的结果是 G + G'，把对称阵 {name} 的两个三角加在一起；对所有元素的梯度是 G"),
            ("use G = {part}", "用 G = {part}")),
    Mistake("if-symmetric", SYMMETRY, 1.45, ("yours is right only if {name} is symmetric", "只有当 {name} 对称时你的结果才对"),
            ("keep {name} and {name}' apart: the gradient is {part}", "区分 {name} 与 {name}'：梯度是 {part}"), also=(LAYOUT,)),
    Mistake("one-for-all", TERM, 1.5, ("the term {part} is missing, and {other} is taken {name} times instead", "漏掉了 {part} 这一项，{other} 却取了 {name} 次"),
            ("write {part} for one of them", "其中一个应写 {part}"), also=(EXTRA, SYMMETRY, ORDER, LAYOUT)),
    Mistake("other-input", SLIP, 1.48, ("yours is the gradient by {part}, not by {name}", "你的结果是对 {part} 的梯度，而不是对 {name} 的"),
            ("differentiate by {name}", "应对 {name} 求导"), also=(OTHER,)),
    Mistake("commuting", ORDER, 1.27, ("the factors are treated as commuting: {part} is taken {name} times, but the terms differ in their order", "把不可交换的因子当成可交换：{part} 取了 {name} 次，但各项的次序不同"),
            ("keep the factors in their order in every term", "每一项都保持因子的次序"), also=(SCALAR, TERM, EXTRA)),
    # of a term
    Mistake("drop-term", TERM, 1.0, ("the term {part} is missing", "漏掉了 {part} 这一项"), ("add it", "补上这一项"), back="extra-term"),
    Mistake("extra-term", EXTRA, 1.0, ("the term {part} is too much", "多出了 {part} 这一项"), ("leave it out", "去掉这一项"), back="drop-term"),
    Mistake("double-term", EXTRA, 1.1, ("the term {part} is counted twice", "{part} 这一项算了两次"), ("count it once", "只算一次"), back="half-again", also=(FACTOR,)),
    Mistake("half-again", FACTOR, 1.2, ("the term {part} is half of what it should be", "{part} 这一项只有应有的一半"), ("double it", "应乘以 2"), back="double-term", also=(EXTRA,)),
    Mistake("halve-term", FACTOR, 1.1, ("the term {part} is half of what it should be", "{part} 这一项只有应有的一半"), ("double it", "应乘以 2"), back="twice-again"),
    Mistake("twice-again", FACTOR, 1.2, ("the term {part} is twice what it should be", "{part} 这一项是应有的两倍"), ("halve it", "应除以 2"), back="halve-term", also=(EXTRA,)),
    Mistake("flip-term", SIGN, 1.05, ("the term {part} has the wrong sign", "{part} 这一项的符号反了"), ("turn its sign", "改变它的符号"), back="flip-term"),
    Mistake("drop-one", TERM, 1.45, ("the term {part} is missing", "漏掉了 {part} 这一项"), ("add it", "补上这一项"), back="extra-term", also=(SLOPE,)),
    Mistake("flip-one", SIGN, 1.6, ("the term {part} has the wrong sign", "{part} 这一项的符号反了"), ("turn its sign", "改变它的符号"), back="flip-one", also=(SLOPE,)),
    Mistake("scale-term", FACTOR, 1.4, ("the term {part} is {name} times what it should be", "{part} 这一项是应有的 {name} 倍"), ("divide it by {name}", "除以 {name}"), back="unscale-term", also=(MEAN,)),
    Mistake("unscale-term", FACTOR, 1.4, ("in the term {part} a factor {name} is missing", "{part} 这一项少了因子 {name}"), ("multiply it by {name}", "乘以 {name}"), back="scale-term", also=(MEAN,)),
    # of a factor
    Mistake("drop-factor", INNER, 1.4, ("the factor {part} is missing", "漏掉了因子 {part}"), ("multiply by it", "应乘上它"), back="extra-factor"),
    Mistake("extra-factor", SLOPE, 1.5, ("the factor {part} is too much", "多出了因子 {part}"), ("leave it out", "去掉它"), back="drop-factor"),
    Mistake("drop-scalar", FACTOR, 1.35, ("the factor {part} is missing", "漏掉了因子 {part}"), ("multiply by it", "应乘上它"), back="extra-scalar", also=(INNER,)),
    Mistake("extra-scalar", FACTOR, 1.4, ("the factor {part} is too much", "多出了因子 {part}"), ("leave it out", "去掉它"), back="drop-scalar", also=(EXTRA, SLOPE, INNER)),
    Mistake("drop-product", INNER, 1.4, ("the product with {part} is missing, and the sum that goes with it", "漏掉了与 {part} 的乘积及相应的求和"), ("multiply by it", "应乘上它"), back="extra-product", also=(AXIS,)),
    Mistake("extra-product", SLOPE, 1.65, ("the product with {part} is too much", "多出了与 {part} 的乘积"), ("leave it out", "去掉它"), back="drop-product"),
    Mistake("lose-in-term", INNER, 1.5, ("in the term {part} the factor {name} is missing", "{part} 这一项少了因子 {name}"), ("multiply every term by it", "每一项都应乘上它"), back="spread-to-term", also=(FACTOR,)),
    Mistake("spread-to-term", EXTRA, 1.8, ("in the term {part} the factor {name} is too much", "{part} 这一项多出了因子 {name}"), ("leave it out there", "在那里去掉它"), back="lose-in-term", also=(FACTOR,)),
    Mistake("other-size", FACTOR, 1.1, ("{other} stands where {part} belongs", "应为 {part} 的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-size", also=(SLIP, MEAN)),
    Mistake("drop-number", FACTOR, 1.1, ("the factor {part} is missing", "漏掉了因子 {part}"), ("multiply by it", "应乘上它"), back="extra-number", also=(INNER,)),
    Mistake("extra-number", FACTOR, 1.1, ("the factor {part} is too much", "多出了因子 {part}"), ("leave it out", "去掉它"), back="drop-number"),
    Mistake("drop-mean", FACTOR, 1.1, ("the factor {part} is missing: a sum stands where a mean belongs", "漏掉了因子 {part}：应取平均，写成了求和"), ("multiply by {part}", "乘以 {part}"), back="extra-mean", also=(MEAN,)),
    Mistake("sum-for-mean", MEAN, 1.1, ("the factor {part} is missing: a sum stands where a mean belongs", "漏掉了因子 {part}：应取平均，写成了求和"), ("multiply by {part}", "乘以 {part}"), back="extra-mean", also=(FACTOR,)),
    Mistake("extra-mean", MEAN, 1.1, ("the factor {part} is too much: a mean stands where a sum belongs", "多出了因子 {part}：应求和，写成了平均"), ("leave it out", "去掉它"), back="drop-mean", also=(FACTOR,)),
    Mistake("move-pick", HOT, 1.5, ("{other} stands where {part} belongs: the one-hot is at the wrong place", "应为 {part} 的地方写成了 {other}：独热向量的位置错了"), ("write {part}", "应写 {part}"), back="move-pick", also=(SLIP,)),
    Mistake("drop-matrix", INNER, 1.45, ("the factor {part} is missing from the product", "乘积中漏掉了因子 {part}"), ("put it back", "应补上它"), back="extra-matrix"),
    Mistake("extra-matrix", SLOPE, 1.6, ("the factor {part} does not belong into the product", "乘积中多出了因子 {part}"), ("leave it out", "去掉它"), back="drop-matrix"),
    Mistake("square-factor", POWER, 1.5, ("the factor {part} stands once too often", "因子 {part} 多乘了一次"), ("leave one out", "去掉一个"), back="once-short"),
    Mistake("once-short", POWER, 1.35, ("the factor {part} stands once too few: its power is too low by one", "因子 {part} 少乘了一次：幂次少了一"), ("multiply by it once more", "应再乘一次"), back="square-factor", also=(INNER,)),
    Mistake("double-number", FACTOR, 1.6, ("{part} is twice what it should be", "{part} 是应有的两倍"), ("halve it", "应除以 2"), back="halve-number"),
    Mistake("halve-number", FACTOR, 1.6, ("{part} is half of what it should be", "{part} 只有应有的一半"), ("double it", "应乘以 2"), back="double-number"),
    Mistake("turn-fraction", SLIP, 1.45, ("the fraction {part} is upside down", "分式 {part} 上下颠倒了"), ("write {part}", "应写 {part}"), back="turn-fraction", also=(POWER, REVERSED)),
    Mistake("its-derivative", FUNCTION, 1.45, ("{other}, its derivative, stands where {part} belongs", "应为 {part} 的地方写成了它的导数 {other}"), ("write {part}", "应写 {part}"), back="other-function", also=(SLIP, POWER)),
    Mistake("turn-over", POWER, 1.6, ("{part} stands on the wrong side of the fraction", "{part} 放错了分子分母的位置"), ("divide where you multiply", "乘除互换"), back="turn-over"),
    Mistake("raise-power", POWER, 1.3, ("the power of {part} is too high by one: the exponent is {other}", "{part} 的幂次多了一：指数应为 {other}"), ("lower it by one", "指数减一"), back="lower-power"),
    Mistake("lower-power", POWER, 1.3, ("the power of {part} is too low by one: the exponent is {other}", "{part} 的幂次少了一：指数应为 {other}"), ("raise it by one", "指数加一"), back="raise-power"),
    Mistake("lose-power", POWER, 1.5, ("{part} has lost its exponent {other}", "{part} 丢了指数 {other}"), ("put the exponent back", "补上指数"), back="other-power"),
    Mistake("other-power", POWER, 1.7, ("the exponent of {part} is not {other}", "{part} 的指数不是 {other}"), ("look at the power rule again", "重新看幂法则"), back="other-power"),
    Mistake("other-function", FUNCTION, 1.5, ("{other} stands where {part} belongs", "应为 {part} 的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-function"),
    Mistake("no-function", FUNCTION, 1.8, ("{other} stands where {part} belongs", "应为 {part} 的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-function"),
    Mistake("lose-kink", INNER, 1.3, ("{other} stands where {part} belongs: the bracket of the {name} is missing", "应为 {part} 的地方写成了 {other}：漏掉了 {name} 的括号"), ("write {part}", "应写 {part}"), back="other-function", also=(FUNCTION,)),
    Mistake("turn-argument", SIGN, 1.3, ("the sign inside {part} is wrong", "{part} 内部的符号反了"), ("write {part}", "应写 {part}"), back="turn-argument", also=(REVERSED, SLOPE)),
    Mistake("turn-difference", REVERSED, 1.25, ("the difference {part} is reversed", "差 {part} 的方向反了"), ("write {part}", "应写 {part}"), back="turn-difference", also=(SIGN,)),
    Mistake("turn-target", REVERSED, 0.95, ("the difference is reversed: {part} stands with the wrong sign", "差的方向反了：{part} 的符号错了"), ("turn it round", "把它反过来"), back="turn-target", also=(SIGN,)),
    Mistake("scale-argument", FACTOR, 1.7, ("inside {part} the argument is {name} times what it should be", "{part} 内部的自变量是应有的 {name} 倍"), ("write {part}", "应写 {part}"), back="scale-argument"),
    # of an element
    Mistake("transpose", LAYOUT, 1.2, ("{part} stands transposed in one place", "有一处 {part} 被转置了"), ("transpose it there", "在那里把它转置"), back="transpose"),
    Mistake("assume-symmetric", SYMMETRY, 1.15, ("{part} is treated as symmetric: {part} and {part}' are taken as one", "把 {part} 当成了对称阵：{part} 与 {part}' 混为一谈"), ("keep {part} and its transpose apart", "区分 {part} 与它的转置"), also=(LAYOUT, TERM, EXTRA)),
    Mistake("other-array", SLIP, 1.7, ("{other} stands where {part} belongs", "应为 {part} 的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-array"),
    Mistake("exchange-arrays", SLIP, 1.55, ("{part} and {other} are exchanged", "{part} 与 {other} 互换了"), ("write {part} where you have {other}, and the other way round", "把 {part} 与 {other} 换回来"), back="exchange-arrays", also=(REVERSED,)),
    Mistake("other-index", SLIP, 1.6, ("{other} stands where {part} belongs", "应为 {part} 的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-index"),
    Mistake("swap-factors", ORDER, 1.65, ("the factors {part} and {other} stand in the wrong order", "因子 {part} 与 {other} 的次序错了"), ("exchange them", "交换它们"), back="swap-factors", also=(LAYOUT,)),
    Mistake("pointwise", POINTWISE, 1.5, ("an elementwise product stands where {part} is a matrix product", "{part} 应是矩阵乘积，写成了逐元素乘积"), ("multiply the matrices", "应作矩阵乘法"), back="matrix-product", also=(SLIP,)),
    Mistake("matrix-product", POINTWISE, 1.5, ("a matrix product stands where {part} is elementwise", "{part} 应逐元素相乘，写成了矩阵乘积"), ("multiply entry by entry", "应逐元素相乘"), back="pointwise", also=(SLIP,)),
    # of a sum
    Mistake("mean", MEAN, 1.15, ("a mean stands where {part} is a sum over {name} terms", "{part} 是对 {name} 项求和，写成了平均"), ("leave out the division by {name}", "不要除以 {name}"), back="no-mean", also=(FACTOR,)),
    Mistake("no-mean", MEAN, 1.3, ("a sum stands where a mean over {name} terms belongs, in {part}", "{part} 应对 {name} 项取平均，写成了求和"), ("divide by {name}", "除以 {name}"), back="mean", also=(FACTOR,)),
    Mistake("no-sum", AXIS, 1.5, ("the sum in {part} is missing", "{part} 中漏掉了求和"), ("sum over the index", "应对该下标求和"), back="more-sum"),
    Mistake("index-of-sum", SLIP, 1.6, ("an index stands where {part} sums over all values of it", "{part} 应对所有下标求和，却取了单个下标"), ("sum over the index", "应对该下标求和"), back="more-sum", also=(AXIS,)),
    Mistake("cross-terms", TERM, 1.4, ("of {part} only the term of the entry itself is kept: the cross terms are missing", "{part} 只保留了自身下标的一项：漏掉了交叉项"), ("sum over the index", "应对该下标求和"), back="more-sum", also=(NORMALISER, SLIP, AXIS)),
    Mistake("other-axis", AXIS, 1.4, ("the sum in {part} runs over the wrong axis", "{part} 中求和的轴错了"), ("sum over the other axis", "应沿另一个轴求和"), back="other-axis", also=(SLIP, OTHER)),
    Mistake("more-sum", AXIS, 1.6, ("{part} is summed over one index too many", "{part} 多求了一重和"), ("leave that sum out", "去掉这重求和"), back="no-sum"),
    # of a bracket
    Mistake("drop-bracket", INNER, 1.4, ("the bracket {part} is missing", "漏掉了括号 {part}"), ("multiply by it", "应乘上它"), back="extra-factor"),
    Mistake("one-branch", OTHER, 1.3, ("the case {part} is not told apart: one branch is taken everywhere", "没有区分情形 {part}：处处只取了一个分支"), ("keep both branches", "两个分支都要保留"), back="one-branch", also=(INNER, TERM)),
    Mistake("value-for-bracket", FUNCTION, 1.45, ("{other} stands where the bracket {part} belongs, which is 1 or 0", "应为括号 {part}（取 1 或 0）的地方写成了 {other}"), ("write {part}", "应写 {part}"), back="other-function", also=(SLOPE, EXTRA, POWER)),
    Mistake("turn-bracket", SLIP, 1.5, ("the relation in {part} is turned round", "{part} 中的关系反了"), ("write {part}", "应写 {part}"), back="turn-bracket", also=(OTHER, SIGN)),
    Mistake("move-bracket", SLIP, 1.6, ("the bound in {part} is wrong: you have {other}", "{part} 中的界限错了：写成了 {other}"), ("write {part}", "应写 {part}"), back="move-bracket"),
    Mistake("move-onehot", HOT, 1.2, ("the one-hot stands at the wrong place: {other} for {part}", "独热向量的位置错了：{part} 写成了 {other}"), ("write {part}", "应写 {part}"), back="move-onehot", also=(SLIP, OTHER)),
    # of the derivation, made again with the slip in it
    Mistake("constant-part", TERM, 1.3, ("{part} is treated as a constant: the term from its derivative is missing", "把 {part} 当成了常数：漏掉了对它求导得到的项"), ("differentiate {part} as well", "对 {part} 也要求导")),
    Mistake("constant-normaliser", NORMALISER, 0.95, ("the normaliser {part} depends on {name} too, and is treated as a constant", "归一化因子 {part} 也依赖于 {name}，却被当成了常数"), ("differentiate {part} as well", "对 {part} 也要求导"), also=(TERM,)),
    Mistake("no-slope", INNER, 1.02, ("the derivative of {part} is taken as {name}; it is {other}: a factor is missing", "{part} 的导数取成了 {name}，应为 {other}：漏了因子"), ("multiply by {other}", "应乘上 {other}"), also=(SLOPE,)),
    Mistake("wrong-slope", SLOPE, 0.98, ("the derivative of {part} is taken as {name}; it is {other}", "{part} 的导数取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(INNER, SIGN)),
    Mistake("slope-of-other", FUNCTION, 0.97, ("{part} is differentiated as another function: its derivative is taken as {name}; it is {other}", "{part} 被当成另一个函数求导：导数取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(SLOPE, OTHER, INNER)),
    Mistake("slope-power", POWER, 1.32, ("the power rule keeps the exponent of {part}: its derivative is taken as {name}; it is {other}", "幂法则中 {part} 的指数没有减一：导数取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}")),
    Mistake("slope-number", FACTOR, 1.32, ("the exponent of {part} is not brought to the front: its derivative is taken as {name}; it is {other}", "{part} 的指数没有乘到前面：导数取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(INNER,)),
    Mistake("slope-itself", FUNCTION, 1.3, ("{part} is put for its own derivative, which is {other}", "把 {part} 当成了它自己的导数，应为 {other}"), ("write {other}", "应写 {other}"), also=(INNER, SLOPE)),
    Mistake("no-differential", INNER, 1.0, ("in the derivative of {part} a factor is missing: its differential is taken as {name}; it is {other}", "{part} 的导数漏了因子：微分取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(SLOPE,)),
    Mistake("order-differential", ORDER, 1.05, ("the factors of the differential of {part} are out of order: it is taken as {name}; it is {other}", "{part} 的微分中因子的次序错了：取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(SLOPE, SCALAR)),
    Mistake("scalar-differential", SCALAR, 1.05, ("the rule for numbers is used for the matrix {part}: its differential is taken as {name}; it is {other}", "对矩阵 {part} 用了标量的求导法则：微分取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(SLOPE, POINTWISE)),
    Mistake("turned-differential", LAYOUT, 1.05, ("inv(A) stands transposed in the differential of {part}: it is taken as {name}; it is {other}", "{part} 的微分中 inv(A) 多了转置：取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(SLOPE, SYMMETRY)),
    Mistake("wrong-differential", SLOPE, 1.1, ("the differential of {part} is taken as {name}; it is {other}", "{part} 的微分取成了 {name}，应为 {other}"), ("write {other}", "应写 {other}"), also=(INNER, SCALAR)),
    Mistake("no-inner", INNER, 1.0, ("the inner derivative is missing: {part} is differentiated as if it were {name} itself", "漏掉了内层导数：把 {part} 当成 {name} 本身求导"), ("multiply by the derivative of {part}", "乘上 {part} 的导数")),
    Mistake("family-loss", OTHER, 0.9, ("yours is the gradient of another loss, {part}", "你的结果是另一个损失 {part} 的梯度"), ("the loss is {other}", "损失是 {other}"), also=(INNER, POWER, FUNCTION, SLOPE)),
    Mistake("other-loss", OTHER, 1.75, ("yours is the gradient of another loss, {part}", "你的结果是另一个损失 {part} 的梯度"), ("the loss is {other}", "损失是 {other}")),
)
# fmt: on

# The part of the formula that a row or a label is about, by the name under which `--json` gives it; "of" where none is here.
SUBJECTS: dict[str, str] = {
    TERM: "term", EXTRA: "term", NORMALISER: "term", SIGN: "term", FACTOR: "factor", MEAN: "factor", INNER: "inner", SLOPE: "inner",
    "other-loss": "gradient_of", "family-loss": "gradient_of",
}  # fmt: skip

MISTAKES = {row.key: row for row in ROWS}

CONSTANTS: tuple[tuple[str, Fraction], ...] = tuple(
    (text, Fraction(text)) for text in ("2", "1/2", "3", "1/3", "4", "1/4", "3/2", "2/3", "6", "1/6", "8", "1/8", "10", "1/10")
)

REASONS: dict[str, tuple[str, str]] = {
    "2": (": a factor 1/2 is missing, or a factor 2 is too much", "：漏了因子 1/2，或多了因子 2"),
    "1/2": (": you have lost a factor 2, or have a factor 1/2 too much", "：漏了因子 2，或多了因子 1/2"),
}

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("exp", "expm1"), ("log", "log1p"), ("sin", "cos"), ("sinh", "cosh"), ("tanh", "sigmoid"), ("tanh", "tan"),
    ("softplus", "sigmoid"), ("softplus", "exp"), ("abs", "sign"), ("gammaln", "digamma", "gamma"), ("max", "min"), ("erf", "erfc"),
    ("log", "digamma"), ("exp", "sigmoid"), ("arctan", "tanh"), ("arcsin", "arccos"), ("exp", "log"), ("tan", "arctan"),
    ("sin", "tan"), ("cosh", "tanh"),
)  # fmt: skip

# Losses that are taken for each other, as rules: what stands in the loss, and in its relative.  The likeliest first.
RELATIVES: tuple[tuple[str, str], ...] = (
    ("max(0, x)^2", "max(0, x)"), ("max(0, x)", "max(0, x)^2"), ("max(0, x)^2", "max(0, x)^2/2"),
    ("x - y*log(x)", "(x - y)^2/2"), ("x - y*log(x)", "(x - y)^2"), ("x + y/x", "(x - y)^2/2"),
    ("log(x) + y/x", "x - y*log(x)"), ("log(x) + y/x", "(x - y)^2/2"),
    ("exp(x) - y*x", "(x - y)^2/2"), ("softplus(x) - y*x", "(x - y)^2/2"), ("softplus(x) - y*x", "exp(x) - y*x"),
    ("exp(x) - y*x", "softplus(x) - y*x"), ("softplus(x)", "max(0, x)"), ("softplus(x)", "max(0, 1 + x)"), ("max(0, 1 - x)", "softplus(-x)"),
    ("abs(x)", "x^2"), ("abs(x)", "x^2/2"), ("log(cosh(x))", "x^2/2"), ("sqrt(1 + x^2)", "x^2/2"), ("log(1 + x^2)", "x^2"),
)  # fmt: skip

SLOPES: dict[str, tuple[str, ...]] = {
    "sigmoid": ("sigmoid(x)*(1 + sigmoid(x))", "1 - sigmoid(x)", "1 - sigmoid(x)^2", "(1 - sigmoid(x))^2", "sigmoid(x)^2"),
    "tanh": ("1 + tanh(x)^2", "tanh(x)*(1 - tanh(x))", "sigmoid(x)*(1 - sigmoid(x))", "tanh(x)^2"),
    "softplus": ("1 - sigmoid(x)", "exp(x)", "softplus(x)", "sigmoid(x)*(1 - sigmoid(x))", "1/(1 + exp(x))"),
    "log": ("log(x)", "x", "1/(1 + x)", "1/x^2"),
    "log1p": ("1/x", "log1p(x)"),
    "exp": ("x*exp(x)", "x*exp(x - 1)", "expm1(x)"),
    "tan": ("1 - tan(x)^2", "tan(x)^2", "1/cos(x)"),
    "abs": ("abs(x)", "[x > 0]"),
    "arctan": ("1/(1 - x^2)", "1/(1 + x)"),
}

# Of a function of a whole matrix A: its differential, and the wrong ones with the row that tells them.
_LOGDET = (
    "tr(inv(A)*dA)",
    ("wrong-differential", "tr(inv(A)*dA)/det(A)"), ("wrong-differential", "det(A)*tr(inv(A)*dA)"), ("turned-differential", "tr(inv(A)'*dA)"),
    ("wrong-differential", "tr(A*dA)"), ("wrong-differential", "tr(A'*dA)"), ("no-differential", "tr(dA)"),
    ("wrong-differential", "tr(inv(A))*tr(dA)"), ("scalar-differential", "sum(dA./A)"), ("wrong-differential", "sum(dA)/det(A)"),
)  # fmt: skip
DIFFERENTIALS: dict[str, tuple[Any, ...]] = {
    "inv": (
        "-inv(A)*dA*inv(A)",
        ("no-differential", "-dA"), ("wrong-differential", "inv(A)*dA*inv(A)"), ("order-differential", "-inv(A)^2*dA"),
        ("order-differential", "-dA*inv(A)^2"), ("wrong-differential", "-inv(A)*dA"), ("wrong-differential", "-dA*inv(A)"),
        ("turned-differential", "-inv(A)'*dA*inv(A)'"), ("scalar-differential", "-dA./A.^2"),
    ),
    "det": (
        "det(A)*tr(inv(A)*dA)",
        ("no-differential", "tr(inv(A)*dA)"), ("wrong-differential", "det(A)*tr(A*dA)"), ("wrong-differential", "det(A)*tr(A'*dA)"),
        ("turned-differential", "det(A)*tr(inv(A)'*dA)"), ("no-differential", "det(A)*tr(dA)"), ("no-differential", "tr(dA)"),
        ("wrong-differential", "tr(inv(A)*dA)/det(A)"),
    ),
    "logdet": _LOGDET,
    "logabsdet": _LOGDET,
}  # fmt: skip
