"""The precision-recall curve of sorted detections, and the area under it: average precision.

Walk down the detections by decreasing score. After the first k,

    precision = TP / (TP + FP)      recall = TP / number of truths

and average precision is the area under precision as a function of recall, a saw-tooth. How to take
that area is a convention, and the conventions disagree in the second digit (claim C113):

    raw     Σ P(r_k) (r_k - r_(k-1)), the saw-tooth as it is
    all     the same under its envelope p̂(r) = max over r' ≥ r of P(r'), as Pascal VOC from 2010
    101     the mean of p̂ at r = 0, 0.01 … 1, as COCO (its evaluation code, cocoeval)
    11      the mean of p̂ at r = 0, 0.1 … 1, as Pascal VOC until 2009 (Everingham et al., The
            Pascal Visual Object Classes Challenge, 2010, section 4.2)

Unit 30 computes all four from seven detections.
"""

from __future__ import annotations

import numpy as np

RECALL_POINTS = np.linspace(0, 1, 101)
ELEVEN_POINTS = np.arange(11) / 10  # linspace has 0.6000000000000001, which a recall of 3/5 misses


def precision_recall(
    right: np.ndarray, truths: int, ignored: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall after each detection.

    Args:
        right: (…, n) bool, by decreasing score: the detection found a truth.
        truths: how many truths there are to find, at least 1.
        ignored: (…, n) bool, the detection counts neither way; none if left out.

    Returns:
        (precision, recall), each (…, n) float64; precision is 0 before the first that counts.

    Example:
        >>> precision, recall = precision_recall(np.array([True, False, True]), truths=4)
        >>> precision.round(2).tolist(), recall.tolist()
        ([1.0, 0.5, 0.67], [0.25, 0.25, 0.5])
    """
    if truths < 1:
        raise ValueError(f"truths must be at least 1, got {truths}: recall is undefined without")
    counts = np.ones_like(right) if ignored is None else ~ignored
    found = np.cumsum(right & counts, axis=-1, dtype=np.float64)  # (…, n) TP so far
    seen = np.cumsum(counts, axis=-1)  # (…, n) TP + FP so far
    return found / np.maximum(seen, 1), found / truths


def envelope(precision: np.ndarray) -> np.ndarray:
    """(…, n): the best precision at this recall or any higher one; it never rises again.

    Example:
        >>> envelope(np.array([1, 0.5, 0.75, 0.6])).tolist()
        [1.0, 0.75, 0.75, 0.6]
    """
    return np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]


def precision_at(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """The envelope of one curve (n,) at given recalls (P,); 0 beyond the last recall reached.

    Example:
        >>> precision, recall = np.array([1, 0.5, 0.75]), np.array([0.2, 0.2, 0.4])
        >>> precision_at(np.array([0.1, 0.3, 0.5]), precision, recall).tolist()
        [1.0, 0.75, 0.0]
    """
    reached = np.searchsorted(recall, points, side="left")  # first with recall ≥ point
    return np.append(envelope(precision), 0.0)[reached]


def area_under(precision: np.ndarray, recall: np.ndarray, rule: str = "101") -> float:
    """Average precision of one curve.

    Args:
        precision, recall: (n,) as in `precision_recall`.
        rule: "raw", "all", "101" or "11", as above.

    Example:
        >>> curve = precision_recall(np.array([True, False, True]), truths=4)
        >>> [round(area_under(*curve, rule), 3) for rule in ("raw", "all", "101", "11")]
        [0.417, 0.417, 0.422, 0.455]
    """
    if rule in ("101", "11"):
        points = RECALL_POINTS if rule == "101" else ELEVEN_POINTS
        return float(precision_at(points, precision, recall).mean())
    if rule in ("raw", "all"):
        height = precision if rule == "raw" else envelope(precision)
        return float((height * np.diff(recall, prepend=0.0)).sum())
    raise ValueError(f"rule must be 'raw', 'all', '101' or '11', got {rule!r}")
