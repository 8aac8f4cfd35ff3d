"""REGRESSIONS: faults that a sweep found once, a row each: (loss, derived by, what went wrong)."""

# fmt: off
REGRESSIONS = (
    ("v: data[N]; X: data[N,D]; t: label[] in K; u: param[K]; sum(u)*prod[n: n = t] max[k] v[k]*u[n]", "v",
     "a product over no terms came out as a power"),
    ("Y: data[N,K]; o: data[N]; u: param[K]; u'*inv((Y.*min[i] o[i]*Y)'*(Y.*min[i] o[i]*Y) + eye(K))*u", "o",
     "an elementwise product that ends in a sum sign lost its parentheses"),
    ("o: data[N]; v: data[N]; w: param[D]; Z = (v.^2*w')'; s = logsoftmax([Z < Z].*Z); sum(o)*s[0,1]", "o",
     "a definition that the text names but the value does not need was left out"),
    ("u: param[K]; c: scalar; logsumexp([u > c].*(u + min(u, 0)))", "u", "[u < 0] + 1 was taken for an indicator in code"),
    ("Y: data[N,K]; u: param[K]; w: param[D]; v: data[N]; (v'*Y*u)*max(w*u' + u)", "Y", "a sum that broadcasts was transposed"),
    ("V: param[D,K]; -sum[n] V[n,1]/D", "V", "a mask was negated as a boolean"),
    ("Y: data[N,K]; v: data[N]; max(v + Y[:,2])", "Y", "an expression stood before an index without being a name"),
    ("x: data[n]; y: data[n]; sum(x.*x)/sum(y.*x)", "x", "equal factors"),
    ("V: param[D,K]; W: param[D,K]; Y: data[N,K]; u: param[K]; z: label[N] in D; "
     "max(sum(W), min(1.7, mean[k < 1] sum[i: V[z[i],k] - u[k] <= W[z[i],k]] (u[k] + Y[i,k])))", "Y",
     "a name given under k < 1 lost the condition"),
    ("r: data[D]; X: data[N,D]; sum[k = 1] sqrt(exp(sin(r[k])))*X[1,k] - sum(cos(reshape(X, N*D)))", "r",
     "a constant compared with an index did not ask for a size where indices are computed"),
    ("X: data[N,D]; v: data[N]; tr(((X'*log(1 + (X + v*ones(D)').^2))^3)^3)", "v", "a power of a power was spelled out"),
    ("A: data[D,D]; v: data[N]; z: label[N] in D; p[k,j] = [k = z[j]]*A[0,k]; (mean[m < 1] p[m,2])*sum(diff(v).^2)", "v",
     "a label was taken to lie in a range that a condition had cut down"),
    ("X: data[N,D]; v: data[N]; u: param[D]; sum(u.^2)*norm1(hstack(-X, v/2))", "u", "a range was cut down to an axis read under a bracket"),
    ("Y: data[N,K]; theta: data[K]; X: data[N,D]; W: param[K,D]; Z = exp(sin((Y' - Y' + theta)*cos(X))); sum(W.^2.*Z)", "W",
     "what cancelled had carried an axis"),
    ("V: param[D,K]; W: param[D,K]; t: label[] in K; (-sum[j: j != t] atan(W[0,j])/(1 + max(W[1,j], 0)^2))*sum[n: n != t] V[0,n]",
     "W", "a mask over a denominator was negated as a boolean"),
    ("u: param[K]; z: label[N] in D; v: data[N]; norm1(hstack(sin(sum(u))*onehot(z), v))", "u", "a label beside a longer axis"),
    ("u: param[K]; X: data[N,D]; z: label[N] in D; a = sum(u); sum(sin(vstack(([X > 0.5].*X - onehot(z))*a, ([X > 0.5].*X - onehot(z))*a)))",
     "u", "a name for what is never in range"),
    ("W: param[D,K]; X: data[N,D]; Y: data[N,K]; v: data[N]; u: data[D]; L = max((u'*(-X'*Y.*min[k] v[k]*W))')", "W",
     "a product behind a minus that ends in a sum lost its parentheses"),
    ("z: label[N] in D; v: data[N]; norm1(hstack((onehot(z) + 0.5).^-1, v))*sum(v)", "v",
     "a sum over joined columns was written as if it ended with the classes of a label"),
    ("A: data[n,n]; c: scalar; max(0, logdet(A'*A) + c)^3", "A", "logdet was shown as tr(logm(..))"),
)
# fmt: on
