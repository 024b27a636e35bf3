"""Makes vus_golden.csv with the package `vus` 0.0.6, whose VUS-PR ours must equal.

    pip install vus==0.0.6 && python make_vus_golden.py > vus_golden.csv

A case is described, not stored: rows, seed, buffer, labelled stretches "first-last" (both inclusive), kind of
score. Row t draws u(t) in [0, 1) as the t-th number of SplitMix64 started at `seed`, upper 53 bits; `near` is
1 on labelled rows and within 5 rows of one, else 0. The kinds:

    uniform   u
    informed  u + near
    steps     floor(4 u) / 4 + near
    constant  0.25
    ramp      -t
    counts    floor(1 / (u + 0.001)), heavy-tailed whole numbers with ties

`--many SEED COUNT` makes COUNT random cases instead.
"""

import csv
import math
import sys

import numpy as np
from vus.metrics import get_metrics

MASK = (1 << 64) - 1


def draws(seed, n):
    state = seed
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) / (1 << 53)


def labels_of(n, stretches):
    labels = np.zeros(n, dtype=int)
    for stretch in stretches.split():
        first, last = map(int, stretch.split("-"))
        labels[first : last + 1] = 1
    return labels


def scores_of(kind, labels, seed):
    n = len(labels)
    near = np.array([labels[max(t - 5, 0) : t + 6].max() for t in range(n)])
    u = list(draws(seed, n))
    kinds = {
        "uniform": lambda t: u[t],
        "informed": lambda t: u[t] + near[t],
        "steps": lambda t: math.floor(4 * u[t]) / 4 + near[t],
        "constant": lambda t: 0.25,
        "ramp": lambda t: -t,
        "counts": lambda t: math.floor(1 / (u[t] + 0.001)),
    }
    return np.array([kinds[kind](t) for t in range(n)], dtype=float)


# name, rows, seed, buffer, stretches, kind
CASES = [
    ("one stretch", 600, 1, 20, "300-319", "informed"),
    ("chance", 600, 2, 20, "300-319", "uniform"),
    ("first and last row", 500, 3, 16, "0-0 499-499", "informed"),
    ("stretches at both ends", 500, 4, 50, "0-30 480-499", "uniform"),
    ("all but one row labelled", 300, 5, 10, "0-148 150-299", "uniform"),
    ("every row labelled", 260, 6, 12, "0-259", "uniform"),
    ("one row apart", 400, 7, 9, "100-104 106-110 112-112", "informed"),
    ("buffers just meet", 400, 8, 10, "100-109 120-129", "steps"),
    ("buffers just do not meet", 400, 9, 10, "100-109 121-130", "steps"),
    ("many fading parts overlap", 400, 10, 60, "100-100 103-103 106-106 109-109 150-150", "informed"),
    ("constant score", 400, 11, 20, "100-119", "constant"),
    ("four scores", 800, 12, 20, "100-119 400-402", "steps"),
    ("highest at the wrong end", 800, 13, 20, "700-719", "ramp"),
    ("heavy tail of whole numbers", 1000, 14, 30, "100-119 500-599 990-999", "counts"),
    ("no buffer", 600, 15, 0, "300-319", "informed"),
    ("buffer of one", 600, 16, 1, "300-319", "informed"),
    ("fewer rows than thresholds", 90, 17, 20, "30-39", "informed"),
    ("rows equal thresholds", 250, 18, 20, "30-39", "counts"),
    ("buffer longer than the series", 60, 19, 100, "30-32", "uniform"),
    ("two rows", 2, 20, 4, "1-1", "uniform"),
    ("one row", 1, 21, 3, "0-0", "uniform"),
]


def random_cases(seed, count):
    u = draws(seed, 1 << 30)
    below = lambda bound: int(next(u) * bound)
    for number in range(count):
        n = 1 + below(1500)
        stretches, at = [], below(max(n // 3, 1))
        while at < n and len(stretches) < 12:
            last = min(at + below(40) * below(2), n - 1)
            stretches.append(f"{at}-{last}")
            at = last + 2 + below(4) * below(200)
        kind = ["uniform", "informed", "steps", "constant", "ramp", "counts"][below(6)]
        yield (f"random {number}", n, below(1 << 40), below(3) * below(50), " ".join(stretches), kind)


def main():
    cases = CASES if len(sys.argv) == 1 else random_cases(int(sys.argv[2]), int(sys.argv[3]))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["name", "rows", "seed", "buffer", "stretches", "kind", "vus_pr"])
    for name, n, seed, buffer, stretches, kind in cases:
        labels = labels_of(n, stretches)
        scores = scores_of(kind, labels, seed)
        figure = get_metrics(scores, labels, metric="vus", slidingWindow=buffer)["VUS_PR"]
        out.writerow([name, n, seed, buffer, stretches, kind, repr(float(figure))])


if __name__ == "__main__":
    main()
