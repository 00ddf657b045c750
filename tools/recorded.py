"""Record the runs that two explorables show, chapter 6's network and one of chapter 7's: ``python -m tools.recorded``.

Both are recorded from the chapters' own settings, so that what moves agrees with what is printed beside it.
"""

import json
from base64 import b64encode
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from xent_helpers import data, explorables, replicas, training

FOLDER = Path(explorables.__file__).parent
COSTLY = 12  # pictures shown at each epoch


def epochs() -> dict:
    """Chapter 6's network at rate 1, epoch by epoch: losses, decisions, and the most expensive validation pictures."""
    digits = data.digits()
    parts = digits.three_parts(seed=0)
    (x, y), (x_new, y_new), _ = (part.tensors() for part in parts)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).double()
    optimizer, order = torch.optim.SGD(model.parameters(), lr=1.0), torch.Generator().manual_seed(0)
    moments = []
    for epoch in range(31):
        for rows in training.batches(len(y), 128, order) if epoch else []:
            training.step(model, optimizer, F.cross_entropy, x[rows], y[rows])
        with torch.no_grad():
            logits = model(x_new)
            costs = F.cross_entropy(logits, y_new, reduction="none").numpy()
            train = F.cross_entropy(model(x), y).item()
        costly = np.argsort(-costs, kind="stable")[:COSTLY]
        moments.append(
            {
                "train": round(train, 6),
                "validation": round(float(costs.mean()), 6),
                "said": "".join(map(str, logits.argmax(dim=1).tolist())),
                "costs": [[int(i), round(float(costs[i]), 3)] for i in costly],
            }
        )
    shown = sorted({index for moment in moments for index, _ in moment["costs"]})
    ink = digits.x[parts.validation.index].astype(int)  # 0 to 16
    pictures = {i: "".join(chr(ord("a") + level) for level in ink[i]) for i in shown}
    return {"labels": "".join(map(str, y_new.tolist())), "pictures": pictures, "moments": moments}


def honesty() -> dict:
    """The validation logits of chapter 7's first network, in hundredths, and the clerk's labels."""
    split = data.digits().split(test_fraction=0.75, seed=0)
    x = torch.from_numpy(np.concatenate([split.x_train, split.x_test]))
    truth = np.concatenate([split.y_train, split.y_test])
    clerk, drawn = (
        np.random.default_rng(0),
        (5, len(truth)),
    )  # he copies the labels of five runs, of which this is the first
    another = (truth + clerk.integers(1, 10, drawn)[0]) % 10
    y = np.where(clerk.random(drawn)[0] < 0.15, another, truth)
    train, valid = slice(0, 449), slice(449, 898)
    torch.manual_seed(0)
    model, labels = replicas.Replicas(1, (64, 64, 10)), torch.from_numpy(y)[None]
    replicas.fit(model, F.cross_entropy, x[None, train], labels[:, train], steps=200, lr=0.005, batch_size=449)
    logits = model(x[None, valid]).detach().numpy()[0]
    packed = b64encode(np.round(100 * logits).astype("<i2").tobytes()).decode()
    return {"labels": "".join(map(str, y[valid])), "logits": packed}


if __name__ == "__main__":
    for record in (epochs, honesty):
        place = FOLDER / f"{record.__name__}.json"
        place.write_text(json.dumps(record(), separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{place.name}: {place.stat().st_size} bytes")
