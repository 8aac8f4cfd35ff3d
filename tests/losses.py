"""The losses of the three notes, in iverson notation, for the tests that share them."""

HEAD = """X: data[N, D]
y: label[N] in K
W: param[D, K]
reg: scalar = 1e-3
s = X*W
"""
SVM = HEAD + "L = mean[i] sum[k != y[i]] max(0, s[i,k] - s[i,y[i]] + 1) + reg*sum(W.^2)\npredict = argmax[k] s[i,k]\n"
SOFTMAX = HEAD + "L = mean[i] (log(sum[k] exp(s[i,k])) - s[i,y[i]]) + reg*sum(W.^2)\npredict = argmax[k] s[i,k]\n"
SOFTMAX_BY_P = HEAD + (
    "p[i,k] = exp(s[i,k])/sum[m] exp(s[i,m])\nL = -mean[i] log(p[i,y[i]]) + reg*sum(W.^2)\npredict = argmax[k] s[i,k]\n")
FACTORS = """u: label[n] in users
v: label[n] in items
y: data[n]
U: param[users, r]
V: param[items, r]
a: param[users]
c: param[items]
b: param
z[n] = sum[r] U[u[n],r]*V[v[n],r] + a[u[n]] + c[v[n]] + b
L = -mean[n] (y[n]*log(sigmoid(z[n])) + (1 - y[n])*log(1 - sigmoid(z[n])))
predict = sigmoid(z)
"""
BCE = "-(y*log(sigmoid(z)) + (1-y)*log(1-sigmoid(z)))"
