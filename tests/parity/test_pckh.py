from __future__ import annotations

import numpy as np
import pytest

from benchbox.metrics import conventions, pckh
from tests.parity.golden import entries


@pytest.mark.parametrize("entry", entries("mpii_pckh"))
def test_mpii_scores(entry):
    one_based = np.array(entry["preds_xy0_conf"])[..., :2] + 1
    heads = pckh.head_size(np.array(entry["headbox_x1y1_x2y2"]))
    errors = pckh.errors(one_based, np.array(entry["gt_xy1"]), heads)
    labelled = np.array(entry["missing"]) == 0
    stated = np.array(entry["error_in_head_units"])
    np.testing.assert_allclose(errors[labelled], stated[labelled], rtol=0, atol=1e-6)
    found = pckh.score(errors, labelled, 0.5, leave_out=conventions.MPII_LEFT_OUT).columns("mpii16")
    found["Mean@0.1"] = pckh.score(errors, labelled, 0.11, leave_out=conventions.MPII_LEFT_OUT).mean
    assert found.keys() == entry["result"].keys()
    for name, value in entry["result"].items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
